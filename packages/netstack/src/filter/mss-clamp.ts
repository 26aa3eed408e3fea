// Clamping the MSS option of SYNs that pass through, as iptables' TCPMSS target does, so that TCP fits a narrower path whose ICMP
// errors get lost (RFC 2923, 2.1). It only ever lowers. A SYN without the option means 536 or 1220 bytes already and is left
// alone, where Linux would add the option.
import { CHECKSUM_PARTIAL, type PacketBuffer } from '../storage/packet-buffer.js';
import { swap16, update16 } from '../wire/checksum.js';
import { PROTO_TCP } from '../wire/protocols.js';
import { TCP_SYN } from '../wire/tcp.js';

const TCP_HEADER = 20;
const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_MSS = 2;
const CHECKSUM = 16;

/** Lowers the MSS of a SYN to `limit`; anything else passes untouched. True if it changed the packet. */
export function clampMss(packet: PacketBuffer, limit: number): boolean {
  const at = packet.transportOffset;
  if (packet.protocol !== PROTO_TCP || at < packet.start || packet.end - at < TCP_HEADER) return false;
  if ((packet.view.getUint8(at + 13) & TCP_SYN) === 0) return false;
  const option = findMss(packet.view, at, packet.end);
  if (option < 0 || packet.view.getUint16(option) <= limit) return false;
  // Making the bytes its own may move them.
  const distance = option - at;
  packet.unshare();
  write(packet, packet.transportOffset + distance, limit);
  return true;
}

/** Where the value of the MSS option is; -1 if there is none or the options are broken before it. */
function findMss(view: DataView, header: number, limit: number): number {
  const end = Math.min(header + (view.getUint8(header + 12) >>> 4) * 4, limit);
  let at = header + TCP_HEADER;
  while (at + 1 < end) {
    const kind = view.getUint8(at);
    if (kind === OPTION_END) return -1;
    if (kind === OPTION_NOP) {
      at++;
      continue;
    }
    const length = view.getUint8(at + 1);
    if (length < 2 || at + length > end) return -1;
    if (kind === OPTION_MSS) return length === 4 ? at + 2 : -1;
    at += length;
  }
  return -1;
}

function write(packet: PacketBuffer, at: number, value: number): void {
  const view = packet.view;
  const before = view.getUint16(at);
  view.setUint16(at, value);
  if (packet.checksum === CHECKSUM_PARTIAL) return;
  const field = packet.transportOffset + CHECKSUM;
  // Behind an odd number of NOPs the value lies across two words of the sum.
  const odd = ((at - packet.transportOffset) & 1) === 1;
  const held = view.getUint16(field);
  view.setUint16(field, odd ? update16(held, swap16(before), swap16(value)) : update16(held, before, value));
}
