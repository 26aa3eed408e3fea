// ARP (RFC 826) over the neighbour table: answering for our addresses, learning from those who ask us, asking.
import { Address } from '../address.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { ARP_LENGTH, ARP_REPLY, ARP_REQUEST, checkArp, emitArp } from '../wire/arp.js';
import { isGroupMac, MAC_BROADCAST, readMac } from '../wire/ethernet.js';
import { ETHERTYPE_ARP } from '../wire/protocols.js';
import type { NetInterface } from './interface.js';

export function receiveArp(iface: NetInterface, packet: PacketBuffer): void {
  const view = packet.view;
  const at = packet.start;
  if (!checkArp(view, at, packet.end)) {
    iface.counters.rxErrors++;
    packet.release();
    return;
  }
  const operation = view.getUint16(at + 6);
  const senderMac = readMac(view, at + 8);
  const sender = iface.net.addresses.readV4(view, at + 14);
  const target = iface.net.addresses.readV4(view, at + 24);
  packet.release();
  if (isGroupMac(senderMac) || sender.isMulticast || sender.isLoopback || iface.isBroadcast(sender)) return;
  const forUs = iface.net.isLocalAddress(target, 0) || (iface.acceptAny && !target.equals(sender));
  if (sender.isUnspecified) {
    // A probe (RFC 5227): defend the address, learn nothing.
    if (operation === ARP_REQUEST && forUs) reply(iface, target, sender, senderMac);
    return;
  }
  if (iface.net.isLocalAddress(sender, 0)) return;
  if (operation === ARP_REPLY) iface.neighbours.advertised(sender, senderMac, forUs, true, false);
  else if (operation === ARP_REQUEST && forUs) {
    iface.neighbours.heard(sender, senderMac);
    reply(iface, target, sender, senderMac);
  } else if (iface.neighbours.lookup(sender) !== null) iface.neighbours.heard(sender, senderMac);
}

function reply(iface: NetInterface, ours: Address, theirs: Address, mac: number): void {
  sendArp(iface, ARP_REPLY, ours, mac, theirs, mac);
}

/** Asks for `target`; by broadcast when `mac` is negative. `source` is that of the packet that waits, if it is ours. */
export function sendArpRequest(
  iface: NetInterface,
  target: Address,
  mac: number,
  source: Address | null,
): void {
  let sender = source?.isV4 && iface.net.isLocalAddress(source, 0) ? source : null;
  for (const held of iface.addresses) {
    if (sender === null && held.address.isV4 && held.covers(target)) sender = held.address;
  }
  sender ??= iface.primaryAddress(true) ?? Address.v4(0);
  sendArp(iface, ARP_REQUEST, sender, mac < 0 ? MAC_BROADCAST : mac, target, mac < 0 ? 0 : mac);
}

/** Tells the link about an address of ours (RFC 5227 3): neighbours replace what they had. */
export function announceArp(iface: NetInterface, address: Address): void {
  sendArp(iface, ARP_REQUEST, address, MAC_BROADCAST, address, 0);
}

function sendArp(
  iface: NetInterface,
  operation: number,
  sender: Address,
  frameMac: number,
  target: Address,
  targetMac: number,
): void {
  const packet = iface.net.pool.allocate(ARP_LENGTH);
  packet.append(ARP_LENGTH);
  emitArp(
    {
      operation,
      senderMac: iface.device.address,
      senderIp: sender.w3 >>> 0,
      targetMac,
      targetIp: target.w3 >>> 0,
    },
    packet.view,
    packet.start,
  );
  iface.frame(packet, frameMac, ETHERTYPE_ARP);
}
