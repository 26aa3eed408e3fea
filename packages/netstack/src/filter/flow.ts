// A tracked flow: its addresses and ports as sent (original) and as answers come (reply), which differ when it is translated.
import { type Address, ANY_V4 } from '../address.js';
import { Timer, type TimerOwner } from '../storage/timer-wheel.js';

export const DIRECTION_ORIGINAL = 0;
export const DIRECTION_REPLY = 1;

/** Status bits, named as in nf_conntrack_common.h. */
export const FLOW_SEEN_REPLY = 1 << 0;
/** Has carried traffic both ways for good: not dropped to make room. */
export const FLOW_ASSURED = 1 << 1;
export const FLOW_CONFIRMED = 1 << 2;
export const FLOW_SOURCE_NAT = 1 << 3;
export const FLOW_DESTINATION_NAT = 1 << 4;
export const FLOW_SOURCE_NAT_DONE = 1 << 5;
export const FLOW_DESTINATION_NAT_DONE = 1 << 6;

/** One direction of a flow, in the hash table. For ICMP echo both ports are the identifier. */
export class FlowTuple {
  readonly flow: Flow;
  readonly direction: number;
  source: Address;
  destination: Address;
  sourcePort: number;
  destinationPort: number;
  next: FlowTuple | null;

  constructor(flow: Flow, direction: number) {
    this.flow = flow;
    this.direction = direction;
    this.source = ANY_V4;
    this.destination = ANY_V4;
    this.sourcePort = 0;
    this.destinationPort = 0;
    this.next = null;
  }
}

/** Who removes flows that time out. */
export interface FlowOwner {
  flowExpired(flow: Flow): void;
}

export class Flow implements TimerOwner {
  readonly owner: FlowOwner;
  readonly protocol: number;
  readonly original: FlowTuple;
  readonly reply: FlowTuple;
  readonly timer: Timer;
  /** FLOW_* bits. */
  status: number;
  /** ctmark. */
  mark: number;
  /** State of the TCP tracker. */
  tcpState: number;
  tcpFlagsSeen: number;
  originalPackets: number;
  originalBytes: number;
  replyPackets: number;
  replyBytes: number;

  constructor(owner: FlowOwner, protocol: number) {
    this.owner = owner;
    this.protocol = protocol;
    this.original = new FlowTuple(this, DIRECTION_ORIGINAL);
    this.reply = new FlowTuple(this, DIRECTION_REPLY);
    this.timer = new Timer(this, 0);
    this.status = 0;
    this.mark = 0;
    this.tcpState = 0;
    this.tcpFlagsSeen = 0;
    this.originalPackets = 0;
    this.originalBytes = 0;
    this.replyPackets = 0;
    this.replyBytes = 0;
  }

  timerExpired(): void {
    this.owner.flowExpired(this);
  }

  has(bits: number): boolean {
    return (this.status & bits) === bits;
  }

  tuple(direction: number): FlowTuple {
    return direction === DIRECTION_ORIGINAL ? this.original : this.reply;
  }
}
