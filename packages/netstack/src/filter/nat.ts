// Network address translation over conntrack (RFC 3022, RFC 4787, RFC 5382, RFC 5508): the rules of the NAT chains choose for a flow's
// first packet, then every packet of the flow, both ways, and ICMP errors about it, are translated alike.
import type { Address } from '../address.js';
import {
  HOOK_INPUT,
  HOOK_OUTPUT,
  HOOK_POSTROUTING,
  HOOK_PREROUTING,
  type HookContext,
  type PacketHook,
  PRIORITY_DNAT,
  PRIORITY_SNAT,
  VERDICT_ACCEPT,
  VERDICT_DROP,
} from '../network/hooks.js';
import type { NetworkLayer } from '../network/network.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { PROTO_ICMP, PROTO_ICMPV6, PROTO_TCP, PROTO_UDP } from '../wire/protocols.js';
import { type Conntrack, isIcmpError } from './conntrack.js';
import {
  FLOW_CONFIRMED,
  FLOW_DESTINATION_NAT,
  FLOW_DESTINATION_NAT_DONE,
  FLOW_SOURCE_NAT,
  FLOW_SOURCE_NAT_DONE,
  type Flow,
} from './flow.js';
import { rewriteEnd } from './rewrite.js';
import { Chain } from './rules.js';

export interface NatRange {
  /** null: the address stays, only the port changes. */
  readonly address: Address | null;
  /** Last address of the range, which may differ in the last 32 bits; default `address` alone. */
  readonly lastAddress?: Address;
  readonly ports?: { readonly from: number; readonly to: number };
  /** Takes any port of the range, even where the old one is free. */
  readonly random?: boolean;
}

class NatHook implements PacketHook {
  readonly priority: number;
  private readonly nat: Nat;
  private readonly isSource: boolean;

  constructor(nat: Nat, isSource: boolean) {
    this.nat = nat;
    this.isSource = isSource;
    this.priority = isSource ? PRIORITY_SNAT : PRIORITY_DNAT;
  }

  filterPacket(packet: PacketBuffer, context: HookContext): number {
    return this.nat.translate(packet, context, this.isSource);
  }
}

export class Nat {
  /** Chains for DNAT and redirect: of packets that come in, and of our own. */
  readonly prerouting: Chain;
  readonly output: Chain;
  /** For SNAT and masquerade. */
  readonly postrouting: Chain;
  readonly input: Chain;
  /** Chains by hook, in order of priority; a flow is settled by the first that translates it. */
  private readonly chains: PacketHook[][];
  private readonly net: NetworkLayer;
  private readonly tracker: Conntrack;
  /** Flows that found no free port. */
  exhausted: number;

  constructor(net: NetworkLayer, tracker: Conntrack) {
    this.net = net;
    this.tracker = tracker;
    this.exhausted = 0;
    const chain = (name: string): Chain => new Chain({ network: net, name, nat: this });
    this.prerouting = chain('PREROUTING');
    this.output = chain('OUTPUT');
    this.postrouting = chain('POSTROUTING');
    this.input = chain('INPUT');
    this.chains = [[], [], [], [], []];
    this.attach(HOOK_PREROUTING, this.prerouting);
    this.attach(HOOK_OUTPUT, this.output);
    this.attach(HOOK_POSTROUTING, this.postrouting);
    this.attach(HOOK_INPUT, this.input);
    const destination = new NatHook(this, false);
    const source = new NatHook(this, true);
    net.hooks.add(HOOK_PREROUTING, destination);
    net.hooks.add(HOOK_OUTPUT, destination);
    net.hooks.add(HOOK_POSTROUTING, source);
    net.hooks.add(HOOK_INPUT, source);
  }

  /** Adds a chain that is asked about new flows at `hook`, before others of a higher priority. */
  attach(hook: number, chain: PacketHook): void {
    const chains = this.chains[hook] as PacketHook[];
    const at = chains.findIndex((other) => other.priority > chain.priority);
    chains.splice(at < 0 ? chains.length : at, 0, chain);
  }

  detach(hook: number, chain: PacketHook): void {
    const chains = this.chains[hook] as PacketHook[];
    const at = chains.indexOf(chain);
    if (at >= 0) chains.splice(at, 1);
  }

  /** For the hooks: asks the rules about a new flow, then translates one end of the packet. */
  translate(packet: PacketBuffer, context: HookContext, isSource: boolean): number {
    const flow = packet.conntrack as Flow | null;
    if (flow === null) return VERDICT_ACCEPT;
    const related = isIcmpError(packet);
    const done = isSource ? FLOW_SOURCE_NAT_DONE : FLOW_DESTINATION_NAT_DONE;
    if (!related && packet.conntrackDirection === 0 && !flow.has(done) && !flow.has(FLOW_CONFIRMED)) {
      const verdict = this.ask(packet, context, flow, done);
      if (verdict !== VERDICT_ACCEPT) return verdict;
      if (!flow.has(done) && isSource) this.avoidClash(packet, flow);
      flow.status |= done;
    }
    return this.rewrite(packet, flow, isSource, related);
  }

  /**
   * Sets up the translation of a new flow; called by rules. `isSource`: SNAT. Ports are kept where they are free. VERDICT_*.
   */
  setUp(packet: PacketBuffer, isSource: boolean, range: NatRange): number {
    const flow = packet.conntrack as Flow | null;
    const done = isSource ? FLOW_SOURCE_NAT_DONE : FLOW_DESTINATION_NAT_DONE;
    if (flow === null || flow.has(FLOW_CONFIRMED) || flow.has(done)) return VERDICT_ACCEPT;
    const { reply } = flow;
    const kept = isSource ? reply.destination : reply.source;
    if (range.address !== null && range.address.isV4 !== kept.isV4) return VERDICT_DROP;
    const address = this.addressFrom(range, packet.source as Address, kept);
    const oldPort = isSource ? reply.destinationPort : reply.sourcePort;
    const port = isSource
      ? this.choosePort(flow, address, range, oldPort)
      : this.destinationPort(range, oldPort);
    if (port < 0) {
      this.exhausted++;
      return VERDICT_DROP;
    }
    const old = isSource ? reply.destination : reply.source;
    if (isSource) {
      reply.destination = address;
      reply.destinationPort = port;
    } else {
      reply.source = address;
      reply.sourcePort = port;
    }
    if (isEchoProtocol(flow.protocol)) {
      reply.sourcePort = port;
      reply.destinationPort = port;
    }
    flow.status |= done;
    if (port !== oldPort || !old.equals(address))
      flow.status |= isSource ? FLOW_SOURCE_NAT : FLOW_DESTINATION_NAT;
    return VERDICT_ACCEPT;
  }

  private ask(packet: PacketBuffer, context: HookContext, flow: Flow, done: number): number {
    const { hook, now, inInterface, outInterface } = context;
    const chains = this.chains[hook] as PacketHook[];
    for (let i = 0; i < chains.length && !flow.has(done); i++) {
      const verdict = (chains[i] as PacketHook).filterPacket(packet, context);
      if (verdict !== VERDICT_ACCEPT) return verdict;
      // A chain may have sent a packet, which ran hooks too.
      context.hook = hook;
      context.now = now;
      context.inInterface = inInterface;
      context.outInterface = outInterface;
    }
    return VERDICT_ACCEPT;
  }

  /** A flow that was sent elsewhere may look like another now: then its source port changes. */
  private avoidClash(packet: PacketBuffer, flow: Flow): void {
    const { reply } = flow;
    if (!flow.has(FLOW_DESTINATION_NAT) || this.isFree(flow, reply.destination, reply.destinationPort))
      return;
    this.setUp(packet, true, { address: reply.destination });
  }

  private addressFrom(range: NatRange, source: Address, kept: Address): Address {
    const first = range.address ?? kept;
    if (range.address === null || range.lastAddress === undefined) return first;
    // One client keeps one address of the pool (RFC 4787, "paired").
    const size = (range.lastAddress.w3 >>> 0) - (first.w3 >>> 0) + 1;
    return this.net.addresses.words(
      first.w0,
      first.w1,
      first.w2,
      (first.w3 + ((source.hash >>> 0) % Math.max(size, 1))) | 0,
    );
  }

  private destinationPort(range: NatRange, old: number): number {
    const { ports } = range;
    if (ports === undefined || (range.random !== true && old >= ports.from && old <= ports.to)) return old;
    const size = ports.to - ports.from + 1;
    return size <= 1 ? ports.from : ports.from + (this.net.random.next32() % size);
  }

  /** A source port with which the reply belongs to no other flow: the old one, else any of the range; -1 when none is free. */
  private choosePort(flow: Flow, address: Address, range: NatRange, old: number): number {
    const { protocol } = flow;
    if (protocol !== PROTO_TCP && protocol !== PROTO_UDP && !isEchoProtocol(protocol)) return old;
    const low = range.ports?.from ?? (old < 1024 && !isEchoProtocol(protocol) ? 600 : 1024);
    const high = range.ports?.to ?? (old < 1024 && !isEchoProtocol(protocol) ? 1023 : 65535);
    const fits = range.ports === undefined || (old >= low && old <= high);
    const allowed = fits && range.random !== true;
    if (allowed && this.isFree(flow, address, old)) return old;
    const size = high - low + 1;
    const first = this.net.random.next32() % size;
    for (let i = 0; i < Math.min(size, 512); i++) {
      const port = low + ((first + i) % size);
      if (this.isFree(flow, address, port)) return port;
    }
    return -1;
  }

  private isFree(flow: Flow, address: Address, port: number): boolean {
    const { reply, protocol } = flow;
    const from = isEchoProtocol(protocol) ? port : reply.sourcePort;
    return this.tracker.find(reply.source, address, from, port, protocol) === null;
  }

  private rewrite(packet: PacketBuffer, flow: Flow, isSource: boolean, related: boolean): number {
    const direction = packet.conntrackDirection;
    // In the reply direction it is the other end that was translated.
    const wanted = isSource === (direction === 0) ? FLOW_SOURCE_NAT : FLOW_DESTINATION_NAT;
    if (!flow.has(wanted)) return VERDICT_ACCEPT;
    const other = flow.tuple(1 - direction);
    const address = isSource ? other.destination : other.source;
    const port = isSource ? other.destinationPort : other.sourcePort;
    packet.unshare();
    if (!related) {
      const hasPort =
        flow.protocol === PROTO_TCP || flow.protocol === PROTO_UDP || isEchoProtocol(flow.protocol);
      rewriteEnd(packet, isSource, address, hasPort ? port : -1);
      return VERDICT_ACCEPT;
    }
    rewriteEnd(packet, isSource, address, -1);
    // What is quoted went the other way, so its opposite end is the same address.
    if (this.tracker.quote.read(packet, this.net.addresses)) {
      this.tracker.quote.rewrite(packet, !isSource, address, port);
    }
    return VERDICT_ACCEPT;
  }
}

function isEchoProtocol(protocol: number): boolean {
  return protocol === PROTO_ICMP || protocol === PROTO_ICMPV6;
}
