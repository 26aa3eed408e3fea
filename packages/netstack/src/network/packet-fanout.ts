// Packet endpoints that share their traffic (packet(7), PACKET_FANOUT): each packet goes to one of them. One joins at the end, and the last
// takes the place of one who leaves, as in Linux.
import type { PacketChooser, RandomSource } from '../roles.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, PROTO_TCP, PROTO_UDP } from '../wire/protocols.js';
import type { PacketEndpoint } from './packet-endpoint.js';

export const FANOUT_HASH = 0;
export const FANOUT_ROUND = 1;
export const FANOUT_ROLLOVER = 3;
export const FANOUT_RANDOM = 4;
export const FANOUT_PROGRAM = 6;
/** Room of an endpoint for more packets. */
export const ROOM_NONE = 0;
export const ROOM_LOW = 1;
export const ROOM_NORMAL = 2;

export class PacketFanout {
  /** FANOUT_*; those that go by processor or queue find one of each here: the first member. */
  readonly kind: number;
  /** A member without room passes its packets on. */
  readonly rollsOver: boolean;
  readonly ignoresOutgoing: boolean;
  readonly members: PacketEndpoint[];
  chooser: PacketChooser | null;
  private readonly random: RandomSource;
  private turn: number;

  constructor(kind: number, rollsOver: boolean, ignoresOutgoing: boolean, random: RandomSource) {
    this.kind = kind;
    this.rollsOver = rollsOver;
    this.ignoresOutgoing = ignoresOutgoing;
    this.members = [];
    this.chooser = null;
    this.random = random;
    this.turn = 0;
  }

  join(endpoint: PacketEndpoint): void {
    this.members.push(endpoint);
    endpoint.fanout = this;
  }

  leave(endpoint: PacketEndpoint): void {
    endpoint.fanout = null;
    const at = this.members.indexOf(endpoint);
    const last = this.members.pop();
    if (last !== undefined && last !== endpoint && at >= 0) this.members[at] = last;
  }

  /** Who gets the packet, whose data begins at `start` for a program. */
  choose(packet: PacketBuffer, start: number, interfaceIndex: number, etherType: number): PacketEndpoint {
    const count = this.members.length;
    let index = 0;
    if (this.kind === FANOUT_HASH) index = scaled(flowHash(packet, etherType), count);
    else if (this.kind === FANOUT_ROUND) index = ++this.turn % count;
    else if (this.kind === FANOUT_RANDOM) index = scaled(this.random.next32(), count);
    else if (this.kind === FANOUT_PROGRAM && this.chooser !== null)
      index = this.chooser.choosePacket(packet, start, interfaceIndex, etherType) % count;
    const first = this.members[index] as PacketEndpoint;
    if (this.kind === FANOUT_ROLLOVER) return this.rollOver(first, null);
    // A flow that has filled a queue is one that Linux calls huge: it moves on before there is no room at all.
    return this.rollsOver && first.room !== ROOM_NORMAL ? this.rollOver(first, first) : first;
  }

  private rollOver(first: PacketEndpoint, skipped: PacketEndpoint | null): PacketEndpoint {
    const { members } = this;
    const start = Math.min(first.rollover, members.length - 1);
    for (let i = 0; i < members.length; i++) {
      const at = (start + i) % members.length;
      const other = members[at] as PacketEndpoint;
      if (other === skipped || other.room !== ROOM_NORMAL) continue;
      first.rollover = at;
      first.rolled++;
      return other;
    }
    first.rollFailed++;
    return first;
  }
}

function scaled(hash: number, count: number): number {
  return Math.floor(((hash >>> 0) / 0x100000000) * count);
}

/** The same for both directions of a flow. */
function flowHash(packet: PacketBuffer, etherType: number): number {
  const { view } = packet;
  const at = packet.networkOffset >= packet.start ? packet.networkOffset : packet.start;
  const room = packet.end - at;
  if (etherType === ETHERTYPE_IPV4 && room >= 20) {
    const header = (view.getUint8(at) & 15) * 4;
    const fragment = (view.getUint16(at + 6) & 0x3fff) !== 0;
    const ports = fragment ? 0 : portSum(packet, at + header, view.getUint8(at + 9));
    return mix(view.getUint32(at + 12) ^ view.getUint32(at + 16), ports);
  }
  if (etherType === ETHERTYPE_IPV6 && room >= 40) {
    let sum = 0;
    for (let i = 8; i < 40; i += 4) sum ^= view.getUint32(at + i);
    return mix(sum, portSum(packet, at + 40, view.getUint8(at + 6)));
  }
  return 0;
}

function portSum(packet: PacketBuffer, at: number, protocol: number): number {
  if ((protocol !== PROTO_TCP && protocol !== PROTO_UDP) || at + 4 > packet.end) return protocol;
  return (packet.view.getUint16(at) ^ packet.view.getUint16(at + 2)) + (protocol << 16);
}

function mix(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x2c1b3c6d) ^ Math.imul(b, 0x297a2d39);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return h ^ (h >>> 13);
}
