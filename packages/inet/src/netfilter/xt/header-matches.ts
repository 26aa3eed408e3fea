// Matches on what packet headers say: tcp, udp, icmp, multiport, length, ttl, dscp, iprange, pkttype (iptables-extensions(8)).
import { EINVAL, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP } from '@sandbox-kernel/abi';
import {
  Address,
  type Evaluation,
  type PacketBuffer,
  type RuleStep,
  STEP_BREAK,
  STEP_NEXT,
  VERDICT_DROP,
} from '@sandbox-kernel/netstack';
import { isLaterFragment, lengthOf, PORT_PROTOCOLS, portOf, transportByte } from '../packet-fields.js';
import { Condition, Effect } from '../steps.js';
import type { XtExtension, XtPlace } from './xt-extension.js';

const TCP_HEADER = 20;
const UDP_HEADER = 8;
const TCP_INV_MASK = 0x0f;
const UDP_INV_MASK = 0x03;
const INV_SOURCE = 1;
const INV_DESTINATION = 2;
const INV_FLAGS = 4;
const INV_OPTION = 8;

/** Ports as xt_tcp and xt_udp have them: two ranges, and which of them are turned round. */
function portsHold(packet: PacketBuffer, ranges: readonly number[], inverted: number): boolean {
  const [sourceLow, sourceHigh, low, high] = ranges as [number, number, number, number];
  const source = portOf(packet, true);
  const destination = portOf(packet, false);
  const first = source >= sourceLow && source <= sourceHigh;
  const second = destination >= low && destination <= high;
  return first !== ((inverted & INV_SOURCE) !== 0) && second !== ((inverted & INV_DESTINATION) !== 0);
}

function rangesOf(data: DataView): number[] {
  return [0, 2, 4, 6].map((at) => data.getUint16(at, true));
}

/** A transport header that is cut short is dropped by the match itself. */
function transportMatch(size: number, holds: (packet: PacketBuffer) => boolean): RuleStep {
  return new Effect(({ packet }: Evaluation) => {
    if (isLaterFragment(packet)) return STEP_BREAK;
    if (packet.end - packet.transportOffset < size) return VERDICT_DROP;
    return holds(packet) ? STEP_NEXT : STEP_BREAK;
  });
}

function makeTcp(data: DataView): RuleStep | number {
  const ranges = rangesOf(data);
  const [option, mask, wanted, inverted] = [8, 9, 10, 11].map((at) => data.getUint8(at)) as [
    number,
    number,
    number,
    number,
  ];
  if ((inverted & ~TCP_INV_MASK) !== 0) return -EINVAL;
  return transportMatch(TCP_HEADER, (packet) => {
    if (!portsHold(packet, ranges, inverted)) return false;
    const flags = (transportByte(packet, 13) & mask) === wanted;
    if (flags === ((inverted & INV_FLAGS) !== 0)) return false;
    return option === 0 || hasTcpOption(packet, option) !== ((inverted & INV_OPTION) !== 0);
  });
}

export function hasTcpOption(packet: PacketBuffer, wanted: number): boolean {
  const { view, transportOffset: header } = packet;
  const end = Math.min(packet.end, header + (view.getUint8(header + 12) >>> 4) * 4);
  for (let at = header + TCP_HEADER; at < end; ) {
    const kind = view.getUint8(at);
    if (kind === wanted) return true;
    if (kind < 2) at++;
    else at += at + 1 < end ? Math.max(view.getUint8(at + 1), 1) : 1;
  }
  return false;
}

function makeUdp(data: DataView): RuleStep | number {
  const ranges = rangesOf(data);
  const inverted = data.getUint8(8);
  if ((inverted & ~UDP_INV_MASK) !== 0) return -EINVAL;
  return transportMatch(UDP_HEADER, (packet) => portsHold(packet, ranges, inverted));
}

/** Type 255 is any; codes are a range. */
function makeIcmp(data: DataView, { isV6 }: XtPlace): RuleStep | number {
  const [type, low, high, inverted] = [0, 1, 2, 3].map((at) => data.getUint8(at)) as [
    number,
    number,
    number,
    number,
  ];
  if ((inverted & ~1) !== 0) return -EINVAL;
  return transportMatch(4, (packet) => {
    const code = transportByte(packet, 1);
    const any = type === 0xff && !isV6;
    const holds = any || (transportByte(packet, 0) === type && code >= low && code <= high);
    return holds !== (inverted !== 0);
  });
}

const MULTIPORT_EITHER = 2;
const MOST_PORTS = 15;

function makeMultiport(data: DataView): RuleStep | number {
  const kind = data.getUint8(0);
  const count = data.getUint8(1);
  if (kind > MULTIPORT_EITHER || count > MOST_PORTS) return -EINVAL;
  const inverted = data.getUint8(47) !== 0;
  const ranges: [number, number][] = [];
  for (let i = 0; i < count; i++) {
    const port = data.getUint16(2 + i * 2, true);
    const isRange = data.getUint8(32 + i) !== 0 && i + 1 < count;
    if (isRange) i++;
    ranges.push([port, isRange ? data.getUint16(2 + i * 2, true) : port]);
  }
  const within = (port: number): boolean => ranges.some(([low, high]) => port >= low && port <= high);
  return transportMatch(4, (packet) => {
    const source = kind !== 1 && within(portOf(packet, true));
    const destination = kind !== 0 && within(portOf(packet, false));
    return (source || destination) !== inverted;
  });
}

function makeLength(data: DataView): RuleStep {
  const low = data.getUint16(0, true);
  const high = data.getUint16(2, true);
  const inverted = data.getUint8(4) !== 0;
  return new Condition(({ packet }) => {
    const length = lengthOf(packet);
    return (length >= low && length <= high) !== inverted;
  });
}

function makeTtl(data: DataView): RuleStep | number {
  const mode = data.getUint8(0);
  const wanted = data.getUint8(1);
  if (mode > 3) return -EINVAL;
  return new Condition(({ packet }) => {
    const ttl = packet.view.getUint8(packet.networkOffset + ((packet.destination as Address).isV4 ? 8 : 7));
    if (mode < 2) return (ttl === wanted) === (mode === 0);
    return mode === 2 ? ttl < wanted : ttl > wanted;
  });
}

function makeDscp(data: DataView): RuleStep | number {
  const wanted = data.getUint8(0);
  const inverted = data.getUint8(1) !== 0;
  if (wanted > 0x3f) return -EINVAL;
  return new Condition(({ packet }) => (packet.tos >>> 2 === wanted) !== inverted);
}

function makeTos(data: DataView): RuleStep {
  const mask = data.getUint8(0);
  const wanted = data.getUint8(1);
  const inverted = data.getUint8(2) !== 0;
  return new Condition(({ packet }) => ((packet.tos & mask) === wanted) !== inverted);
}

/** union nf_inet_addr. */
export function readInetAddress(data: DataView, at: number, isV6: boolean): Address {
  if (!isV6) return Address.v4(data.getUint32(at));
  const [w0, w1, w2, w3] = [0, 4, 8, 12].map((offset) => data.getUint32(at + offset)) as [
    number,
    number,
    number,
    number,
  ];
  return new Address(w0, w1, w2, w3);
}

export function compareAddresses(a: Address, b: Address): number {
  return (
    (a.w0 >>> 0) - (b.w0 >>> 0) ||
    (a.w1 >>> 0) - (b.w1 >>> 0) ||
    (a.w2 >>> 0) - (b.w2 >>> 0) ||
    (a.w3 >>> 0) - (b.w3 >>> 0)
  );
}

function makeIpRange(data: DataView, { isV6 }: XtPlace): RuleStep {
  const [sourceLow, sourceHigh, low, high] = [0, 16, 32, 48].map((at) => readInetAddress(data, at, isV6)) as [
    Address,
    Address,
    Address,
    Address,
  ];
  const flags = data.getUint8(64);
  const within = (address: Address, from: Address, to: Address): boolean =>
    compareAddresses(address, from) >= 0 && compareAddresses(address, to) <= 0;
  return new Condition(({ packet }) => {
    const { source, destination } = packet;
    if ((flags & 1) !== 0 && within(source as Address, sourceLow, sourceHigh) === ((flags & 0x10) !== 0))
      return false;
    return (flags & 2) === 0 || within(destination as Address, low, high) !== ((flags & 0x20) !== 0);
  });
}

const PACKET_HOST = 0;
const PACKET_BROADCAST = 1;
const PACKET_MULTICAST = 2;

function makePacketType(data: DataView): RuleStep {
  const wanted = data.getInt32(0, true);
  const inverted = data.getInt32(4, true) !== 0;
  return new Condition(({ packet }) => {
    const destination = packet.destination as Address;
    const kind = destination.isMulticast
      ? PACKET_MULTICAST
      : destination.isLimitedBroadcast
        ? PACKET_BROADCAST
        : PACKET_HOST;
    return (kind === wanted) !== inverted;
  });
}

export const HEADER_MATCHES: readonly XtExtension[] = [
  { name: 'tcp', revision: 0, size: 12, protocols: [IPPROTO_TCP], make: makeTcp },
  { name: 'udp', revision: 0, size: 10, protocols: [IPPROTO_UDP], make: makeUdp },
  { name: 'udplite', revision: 0, size: 10, protocols: [136], make: makeUdp },
  { name: 'icmp', revision: 0, family: 'v4', size: 4, protocols: [IPPROTO_ICMP], make: makeIcmp },
  { name: 'icmp6', revision: 0, family: 'v6', size: 4, protocols: [IPPROTO_ICMPV6], make: makeIcmp },
  { name: 'multiport', revision: 1, size: 48, protocols: PORT_PROTOCOLS, make: makeMultiport },
  { name: 'length', revision: 0, size: 6, make: makeLength },
  { name: 'ttl', revision: 0, family: 'v4', size: 2, make: makeTtl },
  { name: 'hl', revision: 0, family: 'v6', size: 2, make: makeTtl },
  { name: 'dscp', revision: 0, size: 2, make: makeDscp },
  { name: 'tos', revision: 1, size: 3, make: makeTos },
  { name: 'iprange', revision: 1, size: 68, make: makeIpRange },
  { name: 'pkttype', revision: 0, size: 8, make: makePacketType },
];
