// Sockets that share a port by SO_REUSEPORT (socket(7)): who is in which group, in which order, and the program that chooses among them
// (SO_ATTACH_REUSEPORT_CBPF). The order is Linux's: one joins at the end, and the last takes the place of one who leaves.
import type { PacketChooser } from '../roles.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../wire/protocols.js';
import type { PortBinding } from './ports.js';

/** A listener, or a datagram socket with a port. */
export interface GroupMember {
  readonly binding: PortBinding | null;
  group: ReuseGroup | null;
}

export class ReuseGroup {
  readonly members: GroupMember[];
  chooser: PacketChooser | null;

  constructor() {
    this.members = [];
    this.chooser = null;
  }

  /** Whom the program names for a packet whose payload begins at `start`; null: nobody, the flow's hash decides. */
  choose(packet: PacketBuffer, start: number): GroupMember | null {
    if (this.chooser === null) return null;
    const type = packet.destination?.isV4 === false ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;
    return this.members[this.chooser.choosePacket(packet, start, packet.interfaceIndex, type)] ?? null;
  }

  leave(member: GroupMember): void {
    member.group = null;
    const at = this.members.indexOf(member);
    const last = this.members.pop();
    if (last !== undefined && last !== member && at >= 0) this.members[at] = last;
  }
}

/** `member` has its port: it joins the group of one of `others` with the same name, or has one of its own. A group of its own, made before, goes. */
export function joinGroup(member: GroupMember, others: readonly GroupMember[] | undefined): void {
  const binding = member.binding as PortBinding;
  const found = others?.find((other) => other.group !== null && sameName(other.binding, binding));
  const group = found?.group ?? member.group ?? new ReuseGroup();
  group.members.push(member);
  member.group = group;
}

function sameName(other: PortBinding | null, binding: PortBinding): boolean {
  if (other === null || !other.reusePort || other.uid !== binding.uid || other.device !== binding.device)
    return false;
  if (other.address !== null && binding.address !== null) return other.address.equals(binding.address);
  const same = other.isV6 === binding.isV6 && other.v6Only === binding.v6Only;
  return other.address === binding.address && same;
}

/** Spreads a 32-bit hash over `count` places. */
export function reduce(hash: number, count: number): number {
  return Math.floor(((hash >>> 0) / 0x100000000) * count);
}
