// PACKET_FANOUT (packet(7)): groups of packet sockets by number, with the checks of joining.
import {
  EALREADY,
  EINVAL,
  ENOMEM,
  ENOSPC,
  PACKET_FANOUT_CBPF,
  PACKET_FANOUT_CPU,
  PACKET_FANOUT_EBPF,
  PACKET_FANOUT_FLAG_ROLLOVER,
  PACKET_FANOUT_FLAG_UNIQUEID,
  PACKET_FANOUT_HASH,
  PACKET_FANOUT_LB,
  PACKET_FANOUT_QM,
  PACKET_FANOUT_RND,
  PACKET_FANOUT_ROLLOVER,
} from '@sandbox-kernel/abi';
import { type PacketEndpoint, PacketFanout, type RandomSource } from '@sandbox-kernel/netstack';
import { viewOf } from './option-bytes.js';

const MODES: readonly number[] = [
  PACKET_FANOUT_HASH,
  PACKET_FANOUT_LB,
  PACKET_FANOUT_CPU,
  PACKET_FANOUT_ROLLOVER,
  PACKET_FANOUT_RND,
  PACKET_FANOUT_QM,
  PACKET_FANOUT_CBPF,
  PACKET_FANOUT_EBPF,
];
const PACKET_FANOUT_FLAG_IGNORE_OUTGOING = 0x4000;
/** Members of one group: how many unless the first says otherwise, and the most it may say. */
const MOST_MEMBERS = 256;
const MOST_ASKED = 1 << 16;
const ARGUMENTS_SIZE = 8;

export interface FanoutGroup {
  readonly id: number;
  readonly mode: number;
  /** The upper byte of the flags; PACKET_FANOUT_FLAG_UNIQUEID is not among them. */
  readonly flags: number;
  readonly most: number;
  readonly etherType: number;
  readonly interfaceIndex: number;
  readonly fanout: PacketFanout;
}

/** Who asks to join. */
export interface FanoutCandidate {
  readonly endpoint: PacketEndpoint | null;
  readonly etherType: number;
  readonly interfaceIndex: number;
  readonly fanoutGroup: FanoutGroup | null;
}

export class FanoutGroups {
  private readonly groups: Map<number, FanoutGroup>;
  private readonly random: RandomSource;
  private nextId: number;

  constructor(random: RandomSource) {
    this.groups = new Map();
    this.random = random;
    this.nextId = 0;
  }

  /** The group joined, or -errno, checked in Linux's order. */
  join(from: FanoutCandidate, value: Uint8Array): FanoutGroup | number {
    if (value.length !== 4 && value.length !== ARGUMENTS_SIZE) return -EINVAL;
    const view = viewOf(value);
    const typeFlags = view.getUint16(2, true);
    const most = value.length === ARGUMENTS_SIZE ? view.getUint32(4, true) : 0;
    const mode = typeFlags & 0xff;
    if (!MODES.includes(mode)) return -EINVAL;
    if (mode === PACKET_FANOUT_ROLLOVER && (typeFlags & PACKET_FANOUT_FLAG_ROLLOVER) !== 0) return -EINVAL;
    if (from.fanoutGroup !== null) return -EALREADY;
    const id = this.identify(view.getUint16(0, true), typeFlags);
    if (id < 0) return id;
    const flags = (typeFlags & ~PACKET_FANOUT_FLAG_UNIQUEID) >>> 8;
    const found = this.groups.get(id) ?? null;
    if (found !== null && (found.flags !== flags || (most !== 0 && most !== found.most))) return -EINVAL;
    if (found === null && most > MOST_ASKED) return -EINVAL;
    if (found !== null && found.mode !== mode) return -EINVAL;
    return this.enter(from, found ?? this.make(from, id, mode, flags, most || MOST_MEMBERS));
  }

  private enter(from: FanoutCandidate, group: FanoutGroup): FanoutGroup | number {
    const { endpoint } = from;
    if (endpoint === null || group.etherType !== from.etherType) return -EINVAL;
    if (group.interfaceIndex !== from.interfaceIndex) return -EINVAL;
    if (group.fanout.members.length >= group.most) return -ENOSPC;
    group.fanout.join(endpoint);
    this.groups.set(group.id, group);
    return group;
  }

  private make(from: FanoutCandidate, id: number, mode: number, flags: number, most: number): FanoutGroup {
    const rollsOver = (flags & (PACKET_FANOUT_FLAG_ROLLOVER >> 8)) !== 0;
    const ignores = (flags & (PACKET_FANOUT_FLAG_IGNORE_OUTGOING >> 8)) !== 0;
    return {
      id,
      mode,
      flags,
      most,
      etherType: from.etherType,
      interfaceIndex: from.interfaceIndex,
      fanout: new PacketFanout(mode, rollsOver, ignores, this.random),
    };
  }

  /** PACKET_FANOUT_FLAG_UNIQUEID: a number that no group has. */
  private identify(asked: number, typeFlags: number): number {
    if ((typeFlags & PACKET_FANOUT_FLAG_UNIQUEID) === 0) return asked;
    if (asked !== 0) return -EINVAL;
    for (let i = 0; i < 65536; i++) {
      const id = this.nextId;
      this.nextId = (id + 1) & 0xffff;
      if (!this.groups.has(id)) return id;
    }
    return -ENOMEM;
  }

  leave(group: FanoutGroup, endpoint: PacketEndpoint): void {
    group.fanout.leave(endpoint);
    if (group.fanout.members.length === 0) this.groups.delete(group.id);
  }
}
