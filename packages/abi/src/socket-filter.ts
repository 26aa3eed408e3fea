// Socket filters (SO_ATTACH_FILTER, linux/filter.h): classic BPF over packets. Loads are in network order; a load beyond the packet ends the
// program and drops it. Negative offsets reach the headers and what is known beside the bytes (SKF_*).
import { type BpfInput, type BpfLoads, type BpfProgram, parseBpf, runBpf } from './bpf.js';
import {
  BPF_ABS,
  BPF_ALU,
  BPF_B,
  BPF_H,
  BPF_IND,
  BPF_K,
  BPF_LD,
  BPF_LDX,
  BPF_MEMWORDS,
  BPF_MOD,
  BPF_MSH,
  BPF_W,
  BPF_X,
  SKF_AD_ALU_XOR_X,
  SKF_AD_CPU,
  SKF_AD_HATYPE,
  SKF_AD_IFINDEX,
  SKF_AD_MARK,
  SKF_AD_OFF,
  SKF_AD_PKTTYPE,
  SKF_AD_PROTOCOL,
  SKF_AD_QUEUE,
  SKF_AD_RANDOM,
  SKF_AD_RXHASH,
  SKF_AD_VLAN_TAG,
  SKF_AD_VLAN_TAG_PRESENT,
  SKF_AD_VLAN_TPID,
  SKF_LL_OFF,
  SKF_NET_OFF,
} from './bpf-code.js';

const FIRST_ANCILLARY = SKF_AD_OFF >>> 0;
/** Not here: what parses netlink messages and finds payloads (SKF_AD_NLATTR, SKF_AD_PAY_OFFSET). */
const ANCILLARY: readonly number[] = [
  SKF_AD_PROTOCOL,
  SKF_AD_PKTTYPE,
  SKF_AD_IFINDEX,
  SKF_AD_MARK,
  SKF_AD_QUEUE,
  SKF_AD_HATYPE,
  SKF_AD_RXHASH,
  SKF_AD_CPU,
  SKF_AD_ALU_XOR_X,
  SKF_AD_VLAN_TAG,
  SKF_AD_VLAN_TAG_PRESENT,
  SKF_AD_RANDOM,
  SKF_AD_VLAN_TPID,
];

const SOCKET_LOADS: BpfLoads = { allows: allowsLoad };

function allowsLoad(code: number, k: number): boolean {
  switch (code) {
    case BPF_LD | BPF_W | BPF_ABS:
    case BPF_LD | BPF_H | BPF_ABS:
    case BPF_LD | BPF_B | BPF_ABS:
      return k < FIRST_ANCILLARY || ANCILLARY.includes(k - FIRST_ANCILLARY);
    case BPF_LD | BPF_W | BPF_IND:
    case BPF_LD | BPF_H | BPF_IND:
    case BPF_LD | BPF_B | BPF_IND:
    case BPF_LDX | BPF_B | BPF_MSH:
    case BPF_ALU | BPF_MOD | BPF_X:
      return true;
    case BPF_ALU | BPF_MOD | BPF_K:
      return k !== 0;
    default:
      return false;
  }
}

/** -EINVAL as setsockopt(2) gives it. Pre: the bytes lie within the view. */
export function parseSocketFilter(view: DataView, at: number, length: number): BpfProgram | number {
  return parseBpf(view, at, length, SOCKET_LOADS);
}

/** A program over bytes without headers (unix(7), netlink(7)): how many of them to keep, 0 to drop them. */
export function runSocketFilter(program: BpfProgram, bytes: Uint8Array): number {
  const input = new FilteredPacket();
  input.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  input.end = bytes.length;
  return Math.min(runBpf(program, input, new Uint32Array(BPF_MEMWORDS)), bytes.length);
}

/** A packet as a filter sees it. Offsets are in `view`; set before each run. */
export class FilteredPacket implements BpfInput {
  view: DataView;
  /** Where offset 0 is, and the end. */
  start: number;
  end: number;
  /** The headers that SKF_NET_OFF and SKF_LL_OFF count from; -1: there is none. */
  networkHeader: number;
  linkHeader: number;
  protocol: number;
  packetType: number;
  interfaceIndex: number;
  hardwareType: number;
  mark: number;

  constructor() {
    this.view = new DataView(new ArrayBuffer(0));
    this.start = 0;
    this.end = 0;
    this.networkHeader = -1;
    this.linkHeader = -1;
    this.protocol = 0;
    this.packetType = 0;
    this.interfaceIndex = 0;
    this.hardwareType = 0;
    this.mark = 0;
  }

  get length(): number {
    return this.end - this.start;
  }

  /** SKF_AD_RANDOM, unsigned 32 bits: for who has a source. */
  protected random(): number {
    return 0;
  }

  load(code: number, k: number, a: number, x: number): number {
    const size = code & 0x18;
    if ((code & 0xe0) === BPF_MSH) return (this.read(BPF_B, k | 0) & 15) * 4;
    if ((code & 0xe0) === BPF_ABS && k >= FIRST_ANCILLARY) return this.ancillary(k - FIRST_ANCILLARY, a, x);
    return this.read(size, ((code & 0xe0) === BPF_IND ? x + k : k) | 0);
  }

  private read(size: number, offset: number): number {
    const at = this.place(offset);
    const width = size === BPF_W ? 4 : size === BPF_H ? 2 : 1;
    if (at < 0 || at + width > this.end) return Number.NaN;
    if (size === BPF_W) return this.view.getUint32(at);
    return size === BPF_H ? this.view.getUint16(at) : this.view.getUint8(at);
  }

  private place(offset: number): number {
    if (offset >= 0) return this.start + offset;
    if (offset >= SKF_NET_OFF) return this.networkHeader < 0 ? -1 : this.networkHeader + offset - SKF_NET_OFF;
    if (offset >= SKF_LL_OFF) return this.linkHeader < 0 ? -1 : this.linkHeader + offset - SKF_LL_OFF;
    return -1;
  }

  private ancillary(what: number, a: number, x: number): number {
    switch (what) {
      case SKF_AD_PROTOCOL:
        return this.protocol;
      case SKF_AD_PKTTYPE:
        return this.packetType;
      case SKF_AD_IFINDEX:
        return this.interfaceIndex;
      case SKF_AD_HATYPE:
        return this.hardwareType;
      case SKF_AD_MARK:
        return this.mark;
      case SKF_AD_RANDOM:
        return this.random();
      case SKF_AD_ALU_XOR_X:
        return (a ^ x) >>> 0;
      default:
        return 0;
    }
  }
}
