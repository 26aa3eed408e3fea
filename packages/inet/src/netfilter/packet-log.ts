// The line that LOG and log rules write, as Linux writes it to its log.
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP } from '@sandbox-kernel/abi';
import type { Address, HookContext, PacketBuffer } from '@sandbox-kernel/netstack';
import type { Netfilter } from './netfilter.js';
import { lengthOf } from './packet-fields.js';

const LOG_TCP_SEQUENCE = 1;
const LOG_UID = 8;
const TCP_FLAG_NAMES = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'];
/** In the order in which Linux tells them. */
const TCP_FLAG_ORDER = [7, 6, 5, 4, 3, 2, 1, 0];

const hex = (value: number): string => value.toString(16).toUpperCase().padStart(2, '0');

export function logLine(
  netfilter: Netfilter,
  packet: PacketBuffer,
  context: HookContext,
  prefix: string,
  flags: number,
): string {
  const { source, destination } = packet as { source: Address; destination: Address };
  const parts = [
    `${prefix}IN=${netfilter.interfaceName(context.inInterface)}`,
    `OUT=${netfilter.interfaceName(context.outInterface)}`,
    `SRC=${source} DST=${destination} LEN=${lengthOf(packet)}`,
    destination.isV4 ? header4(packet) : header6(packet),
    transport(packet, flags),
  ];
  if ((flags & LOG_UID) !== 0) {
    const socket = netfilter.ownerOf(packet, context.hook);
    if (socket !== null) parts.push(`UID=${socket.uid} GID=${socket.gid}`);
  }
  if (packet.mark !== 0) parts.push(`MARK=0x${packet.mark.toString(16)}`);
  return parts.join(' ');
}

function header4({ view, networkOffset: at }: PacketBuffer): string {
  const tos = view.getUint8(at + 1);
  const word = view.getUint16(at + 6);
  const bits = `${(word & 0x8000) !== 0 ? 'CE ' : ''}${(word & 0x4000) !== 0 ? 'DF ' : ''}${(word & 0x2000) !== 0 ? 'MF ' : ''}`;
  const ttl = view.getUint8(at + 8);
  return `TOS=0x${hex(tos & 0x1e)} PREC=0x${hex(tos & 0xe0)} TTL=${ttl} ID=${view.getUint16(at + 4)} ${bits}`.trim();
}

function header6({ view, networkOffset: at }: PacketBuffer): string {
  const first = view.getUint32(at);
  return `TC=${(first >>> 20) & 0xff} HOPLIMIT=${view.getUint8(at + 7)} FLOWLBL=${first & 0xfffff}`;
}

function transport(packet: PacketBuffer, flags: number): string {
  const { view, transportOffset: at, end, protocol } = packet;
  const room = end - at;
  switch (protocol) {
    case IPPROTO_TCP:
      return room < 20 ? `PROTO=TCP INCOMPLETE [${room} bytes]` : tcp(view, at, flags);
    case IPPROTO_UDP:
      if (room < 8) return `PROTO=UDP INCOMPLETE [${room} bytes]`;
      return `PROTO=UDP SPT=${view.getUint16(at)} DPT=${view.getUint16(at + 2)} LEN=${view.getUint16(at + 4)}`;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6: {
      const name = protocol === IPPROTO_ICMP ? 'ICMP' : 'ICMPv6';
      if (room < 4) return `PROTO=${name} INCOMPLETE [${room} bytes]`;
      const type = view.getUint8(at);
      const echo = room >= 8 && (type === 8 || type === 0 || type === 128 || type === 129);
      const rest = echo ? ` ID=${view.getUint16(at + 4)} SEQ=${view.getUint16(at + 6)}` : '';
      return `PROTO=${name} TYPE=${type} CODE=${view.getUint8(at + 1)}${rest}`;
    }
    default:
      return `PROTO=${protocol}`;
  }
}

function tcp(view: DataView, at: number, flags: number): string {
  const set = view.getUint8(at + 13);
  const names = TCP_FLAG_ORDER.filter((bit) => (set & (1 << bit)) !== 0).map((bit) => TCP_FLAG_NAMES[bit]);
  const sequence =
    (flags & LOG_TCP_SEQUENCE) !== 0 ? ` SEQ=${view.getUint32(at + 4)} ACK=${view.getUint32(at + 8)}` : '';
  const reserved = hex(view.getUint8(at + 12) & 0x0f);
  return (
    `PROTO=TCP SPT=${view.getUint16(at)} DPT=${view.getUint16(at + 2)}${sequence} WINDOW=${view.getUint16(at + 14)} ` +
    `RES=0x${reserved} ${names.join(' ')} URGP=${view.getUint16(at + 18)}`
  );
}
