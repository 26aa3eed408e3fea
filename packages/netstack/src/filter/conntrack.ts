// Connection tracking, as nf_conntrack: packets are joined to flows at PREROUTING and OUTPUT, new flows are kept once their first
// packet got through. The table is bounded; when it is full a flow that was never answered makes room.
import type { Address } from '../address.js';
import {
  HOOK_INPUT,
  HOOK_OUTPUT,
  HOOK_POSTROUTING,
  HOOK_PREROUTING,
  type HookContext,
  type PacketHook,
  PRIORITY_CONFIRM,
  PRIORITY_CONNTRACK,
  VERDICT_ACCEPT,
  VERDICT_DROP,
} from '../network/hooks.js';
import type { NetworkLayer, TranslationLookup } from '../network/network.js';
import { PACKET_UNTRACKED, type PacketBuffer } from '../storage/packet-buffer.js';
import { PROTO_ICMP, PROTO_ICMPV6, PROTO_TCP, PROTO_UDP } from '../wire/protocols.js';
import {
  FLOW_ASSURED,
  FLOW_CONFIRMED,
  FLOW_DESTINATION_NAT,
  FLOW_SEEN_REPLY,
  Flow,
  type FlowOwner,
  type FlowTuple,
} from './flow.js';
import { IcmpQuote } from './icmp-quote.js';
import { mayBegin, nextTcpState, TRACK_ESTABLISHED, TRACK_SYN_SENT, tcpTimeout } from './tcp-tracking.js';

export interface ConntrackOptions {
  /** Default 65,536. */
  readonly maxFlows?: number;
  /** Takes up TCP connections in the middle. Default true, as Linux. */
  readonly loose?: boolean;
  /** Microseconds. Defaults as Linux: UDP 30 s, answered UDP 120 s, ICMP 30 s, others 600 s. */
  readonly udpTimeout?: number;
  readonly udpStreamTimeout?: number;
  readonly icmpTimeout?: number;
  readonly otherTimeout?: number;
}

/** What a packet is to its flow (ctstate). */
export const CT_INVALID = 1;
export const CT_NEW = 2;
export const CT_ESTABLISHED = 4;
/** An ICMP error about a flow. */
export const CT_RELATED = 8;
export const CT_UNTRACKED = 16;

const BUCKETS = 16384;
const SECOND = 1_000_000;

class ConfirmHook implements PacketHook {
  readonly priority = PRIORITY_CONFIRM;
  private readonly owner: Conntrack;

  constructor(owner: Conntrack) {
    this.owner = owner;
  }

  filterPacket(packet: PacketBuffer, _context: HookContext): number {
    return this.owner.confirm(packet);
  }
}

export class Conntrack implements PacketHook, FlowOwner, TranslationLookup {
  readonly priority = PRIORITY_CONNTRACK;
  private readonly net: NetworkLayer;
  private readonly buckets: (FlowTuple | null)[];
  private readonly maxFlows: number;
  private readonly loose: boolean;
  private readonly udpTimeout: number;
  private readonly udpStreamTimeout: number;
  private readonly icmpTimeout: number;
  private readonly otherTimeout: number;
  private readonly seed: number;
  /** The quoted packet of an ICMP error; reused. */
  readonly quote: IcmpQuote;
  private readonly confirmHook: ConfirmHook;
  private cursor: number;
  /** Confirmed flows. */
  count: number;
  dropped: number;
  invalid: number;

  /** Hooks itself into the network layer. Fragments are put together from now on, even of forwarded packets. */
  constructor(net: NetworkLayer, options: ConntrackOptions = {}) {
    this.net = net;
    this.buckets = new Array<FlowTuple | null>(BUCKETS).fill(null);
    this.maxFlows = options.maxFlows ?? 65536;
    this.loose = options.loose ?? true;
    this.udpTimeout = options.udpTimeout ?? 30 * SECOND;
    this.udpStreamTimeout = options.udpStreamTimeout ?? 120 * SECOND;
    this.icmpTimeout = options.icmpTimeout ?? 30 * SECOND;
    this.otherTimeout = options.otherTimeout ?? 600 * SECOND;
    this.seed = net.random.next32() | 0;
    this.quote = new IcmpQuote();
    this.confirmHook = new ConfirmHook(this);
    this.cursor = 0;
    this.count = 0;
    this.dropped = 0;
    this.invalid = 0;
    net.hooks.needsWhole = true;
    net.translations = this;
    net.hooks.add(HOOK_PREROUTING, this);
    net.hooks.add(HOOK_OUTPUT, this);
    net.hooks.add(HOOK_INPUT, this.confirmHook);
    net.hooks.add(HOOK_POSTROUTING, this.confirmHook);
  }

  /** CT_* of a packet that has passed the tracker. */
  stateOf(packet: PacketBuffer): number {
    const flow = packet.conntrack as Flow | null;
    if (flow === null) return (packet.flags & PACKET_UNTRACKED) !== 0 ? CT_UNTRACKED : CT_INVALID;
    if (isIcmpError(packet)) return CT_RELATED;
    if (packet.conntrackDirection === 1) return CT_ESTABLISHED;
    return flow.has(FLOW_SEEN_REPLY) ? CT_ESTABLISHED : CT_NEW;
  }

  filterPacket(packet: PacketBuffer, context: HookContext): number {
    // Looped back: it was tracked on its way out.
    if (packet.conntrack !== null) return VERDICT_ACCEPT;
    if (isIcmpError(packet)) {
      this.trackError(packet);
      return VERDICT_ACCEPT;
    }
    if ((packet.flags & PACKET_UNTRACKED) !== 0 && !isEcho(packet)) return VERDICT_ACCEPT;
    const source = packet.source as Address;
    const destination = packet.destination as Address;
    const ports = portsOf(packet);
    if (ports < 0) {
      this.invalid++;
      return VERDICT_ACCEPT;
    }
    const sourcePort = Math.floor(ports / 65536);
    const destinationPort = ports % 65536;
    const tuple = this.find(source, destination, sourcePort, destinationPort, packet.protocol);
    const flow = tuple === null ? this.begin(packet, sourcePort, destinationPort) : tuple.flow;
    if (flow === null) {
      this.invalid++;
      return VERDICT_ACCEPT;
    }
    packet.conntrack = flow;
    packet.conntrackDirection = tuple === null ? 0 : tuple.direction;
    this.update(flow, packet, context.now);
    return VERDICT_ACCEPT;
  }

  /** The flow's tuple for these ends, or null. */
  find(
    source: Address,
    destination: Address,
    sourcePort: number,
    destinationPort: number,
    protocol: number,
  ): FlowTuple | null {
    const bucket = this.bucketOf(source, destination, sourcePort, destinationPort, protocol);
    let tuple = this.buckets[bucket] as FlowTuple | null;
    while (tuple !== null) {
      if (
        tuple.sourcePort === sourcePort &&
        tuple.destinationPort === destinationPort &&
        tuple.flow.protocol === protocol &&
        tuple.source.equals(source) &&
        tuple.destination.equals(destination)
      ) {
        return tuple;
      }
      tuple = tuple.next;
    }
    return null;
  }

  /** For the confirm hook: a flow whose first packet got through is put in the table. */
  confirm(packet: PacketBuffer): number {
    const flow = packet.conntrack as Flow | null;
    // An answer to a packet that was refused begins nothing.
    if (flow === null || flow.has(FLOW_CONFIRMED) || packet.conntrackDirection !== 0) return VERDICT_ACCEPT;
    const { original, reply } = flow;
    const clash =
      this.find(
        original.source,
        original.destination,
        original.sourcePort,
        original.destinationPort,
        flow.protocol,
      ) ?? this.find(reply.source, reply.destination, reply.sourcePort, reply.destinationPort, flow.protocol);
    if (clash !== null || (this.count >= this.maxFlows && !this.makeRoom())) {
      this.dropped++;
      return VERDICT_DROP;
    }
    flow.status |= FLOW_CONFIRMED;
    this.insert(original);
    // A flow to itself has one tuple only.
    this.insert(reply);
    this.count++;
    this.net.timers.armAfter(flow.timer, this.net.now(), this.timeoutOf(flow));
    return VERDICT_ACCEPT;
  }

  flowExpired(flow: Flow): void {
    this.remove(flow);
  }

  /** Forgets a flow. */
  remove(flow: Flow): void {
    if (!flow.has(FLOW_CONFIRMED)) return;
    flow.status &= ~FLOW_CONFIRMED;
    this.net.timers.cancel(flow.timer);
    this.unlink(flow.original);
    this.unlink(flow.reply);
    this.count--;
  }

  /** All flows, for listing. */
  list(): Flow[] {
    const flows: Flow[] = [];
    for (const head of this.buckets) {
      for (let tuple = head; tuple !== null; tuple = tuple.next)
        if (tuple.direction === 0) flows.push(tuple.flow);
    }
    return flows;
  }

  flush(): void {
    for (const flow of this.list()) this.remove(flow);
  }

  originalDestination(packet: PacketBuffer): Address | null {
    const flow = packet.conntrack as Flow | null;
    return flow?.has(FLOW_DESTINATION_NAT) === true ? flow.original.destination : null;
  }

  originalDestinationPort(packet: PacketBuffer): number {
    const flow = packet.conntrack as Flow | null;
    return flow?.has(FLOW_DESTINATION_NAT) === true ? flow.original.destinationPort : 0;
  }

  private begin(packet: PacketBuffer, sourcePort: number, destinationPort: number): Flow | null {
    const { protocol } = packet;
    if (protocol === PROTO_TCP && !mayBegin(packet.view.getUint8(packet.transportOffset + 13), this.loose))
      return null;
    if ((protocol === PROTO_ICMP || protocol === PROTO_ICMPV6) && !isEchoRequest(packet)) return null;
    const flow = new Flow(this, protocol);
    const { original, reply } = flow;
    original.source = packet.source as Address;
    original.destination = packet.destination as Address;
    original.sourcePort = sourcePort;
    original.destinationPort = destinationPort;
    reply.source = original.destination;
    reply.destination = original.source;
    reply.sourcePort = destinationPort;
    reply.destinationPort = sourcePort;
    return flow;
  }

  private update(flow: Flow, packet: PacketBuffer, now: number): void {
    const direction = packet.conntrackDirection;
    const length = packet.end - packet.networkOffset;
    if (direction === 1) {
      flow.replyPackets++;
      flow.replyBytes += length;
      flow.status |= FLOW_SEEN_REPLY;
      if (flow.protocol === PROTO_UDP && flow.originalPackets > 1) flow.status |= FLOW_ASSURED;
    } else {
      flow.originalPackets++;
      flow.originalBytes += length;
    }
    if (flow.protocol === PROTO_TCP) this.updateTcp(flow, packet, direction);
    if (flow.has(FLOW_CONFIRMED)) this.net.timers.armAfter(flow.timer, now, this.timeoutOf(flow));
  }

  private updateTcp(flow: Flow, packet: PacketBuffer, direction: number): void {
    const flags = packet.view.getUint8(packet.transportOffset + 13);
    const before = flow.tcpState;
    flow.tcpState = nextTcpState(before, flags, direction);
    if (flow.tcpState === TRACK_ESTABLISHED && flow.has(FLOW_SEEN_REPLY)) flow.status |= FLOW_ASSURED;
    if (flow.tcpState === TRACK_SYN_SENT && before > TRACK_ESTABLISHED) flow.status &= ~FLOW_ASSURED;
  }

  private timeoutOf(flow: Flow): number {
    if (flow.protocol === PROTO_TCP) return tcpTimeout(flow.tcpState);
    if (flow.protocol === PROTO_UDP) return flow.has(FLOW_ASSURED) ? this.udpStreamTimeout : this.udpTimeout;
    return flow.protocol === PROTO_ICMP || flow.protocol === PROTO_ICMPV6
      ? this.icmpTimeout
      : this.otherTimeout;
  }

  /** An ICMP error belongs to the flow of the packet it quotes. */
  private trackError(packet: PacketBuffer): void {
    const { quote } = this;
    if (!quote.read(packet, this.net.addresses)) {
      this.invalid++;
      return;
    }
    // The quote is what left on the far side, so turned round it is what comes back: the error's own direction.
    const tuple = this.find(
      quote.destination,
      quote.source,
      quote.destinationPort,
      quote.sourcePort,
      quote.protocol,
    );
    if (tuple === null) return;
    packet.conntrack = tuple.flow;
    packet.conntrackDirection = tuple.direction;
  }

  private insert(tuple: FlowTuple): void {
    const bucket = this.bucketOfTuple(tuple);
    tuple.next = this.buckets[bucket] as FlowTuple | null;
    this.buckets[bucket] = tuple;
  }

  private unlink(tuple: FlowTuple): void {
    const bucket = this.bucketOfTuple(tuple);
    let at = this.buckets[bucket] as FlowTuple | null;
    if (at === tuple) {
      this.buckets[bucket] = tuple.next;
      return;
    }
    while (at !== null && at.next !== tuple) at = at.next;
    if (at !== null) at.next = tuple.next;
  }

  /** Removes a flow that is not assured, looking on from where the last search ended. */
  private makeRoom(): boolean {
    for (let tries = 0; tries < 256; tries++) {
      this.cursor = (this.cursor + 1) & (BUCKETS - 1);
      for (let tuple = this.buckets[this.cursor] as FlowTuple | null; tuple !== null; tuple = tuple.next) {
        if (tuple.flow.has(FLOW_ASSURED)) continue;
        this.remove(tuple.flow);
        return true;
      }
    }
    return false;
  }

  private bucketOfTuple(tuple: FlowTuple): number {
    const { source, destination, sourcePort, destinationPort, flow } = tuple;
    return this.bucketOf(source, destination, sourcePort, destinationPort, flow.protocol);
  }

  private bucketOf(
    source: Address,
    destination: Address,
    from: number,
    to: number,
    protocol: number,
  ): number {
    let hash = Math.imul(source.hash ^ this.seed, 0x9e3779b1) ^ destination.hash;
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) ^ Math.imul((from << 16) | to, 0xc2b2ae35);
    hash = Math.imul(hash ^ (hash >>> 13) ^ protocol, 0x27d4eb2f);
    return (hash ^ (hash >>> 16)) & (BUCKETS - 1);
  }
}

/** Both ports as source * 65536 + destination; -1 when the header is cut short; 0 for protocols without. */
export function portsOf(packet: PacketBuffer): number {
  const { view, transportOffset, protocol } = packet;
  const room = packet.end - transportOffset;
  if (protocol === PROTO_TCP) return room < 20 ? -1 : view.getUint32(transportOffset);
  if (protocol === PROTO_UDP) return room < 8 ? -1 : view.getUint32(transportOffset);
  if (protocol !== PROTO_ICMP && protocol !== PROTO_ICMPV6) return 0;
  if (room < 8) return -1;
  return isEcho(packet) ? view.getUint16(transportOffset + 4) * 65537 : -1;
}

function isEcho(packet: PacketBuffer): boolean {
  if (packet.end - packet.transportOffset < 8) return false;
  const type = packet.view.getUint8(packet.transportOffset);
  if (packet.protocol === PROTO_ICMP) return type === 8 || type === 0;
  return packet.protocol === PROTO_ICMPV6 && (type === 128 || type === 129);
}

function isEchoRequest(packet: PacketBuffer): boolean {
  const type = packet.view.getUint8(packet.transportOffset);
  return packet.protocol === PROTO_ICMP ? type === 8 : type === 128;
}

export function isIcmpError(packet: PacketBuffer): boolean {
  if (packet.end - packet.transportOffset < 8) return false;
  const type = packet.view.getUint8(packet.transportOffset);
  if (packet.protocol === PROTO_ICMP)
    return type === 3 || type === 4 || type === 5 || type === 11 || type === 12;
  return packet.protocol === PROTO_ICMPV6 && type < 128;
}
