// Pings of a guest: echo requests for addresses beyond the gateway go out by the host's ICMP sockets (icmp(7), net.ipv4.ping_group_range),
// which put an identifier of their own in; answers get the guest's back. Other ICMP does not leave.
import { EAGAIN, errnoName } from '@sandbox-kernel/abi';
import { DATA } from '@sandbox-kernel/host';
import {
  type Address,
  HOOK_INPUT,
  type PacketBuffer,
  type PacketHook,
  PRIORITY_FILTER,
  REFUSE_ADMIN,
  Timer,
  type TimerOwner,
  VERDICT_ACCEPT,
  VERDICT_STOLEN,
} from '@sandbox-kernel/netstack';
import type { DecisionOwner } from '../gate.js';
import type { HostOwner } from '../host-net.js';
import type { FlowQuery, Policy, Verdict } from '../policy/policy.js';
import type { Flow, FlowContext } from './context.js';

const ICMP = 1;
const ICMPV6 = 58;
const ECHO = 8;
const ECHO_REPLY = 0;
const ECHO_V6 = 128;
const ECHO_REPLY_V6 = 129;
const HEADER = 8;
const IDLE = 30_000_000;
const BATCH = 64;

/** Takes echo requests out of the gateway's input. */
export class EchoForwarder implements PacketHook {
  readonly priority = PRIORITY_FILTER;
  readonly #context: FlowContext;
  readonly #flows = new Map<string, EchoFlow>();

  constructor(context: FlowContext) {
    this.#context = context;
    context.stack.network.hooks.add(HOOK_INPUT, this);
  }

  filterPacket(packet: PacketBuffer): number {
    const destination = packet.destination as Address;
    const wanted = destination.isV4 ? ECHO : ECHO_V6;
    if (packet.protocol !== (destination.isV4 ? ICMP : ICMPV6) || destination.isMulticast)
      return VERDICT_ACCEPT;
    if (packet.end - packet.transportOffset < HEADER) return VERDICT_ACCEPT;
    if (packet.view.getUint8(packet.transportOffset) !== wanted) return VERDICT_ACCEPT;
    if (this.#context.stack.network.isLocalAddress(destination, 0)) return VERDICT_ACCEPT;
    this.#forward(packet, destination);
    return VERDICT_STOLEN;
  }

  #forward(packet: PacketBuffer, destination: Address): void {
    const context = this.#context;
    const source = packet.source as Address;
    const identifier = packet.view.getUint16(packet.transportOffset + 4);
    const key = `${source} ${destination} ${identifier}`;
    const known = this.#flows.get(key);
    if (known !== undefined) {
      known.send(packet);
      return;
    }
    const names = context.namesOf(destination);
    const query: FlowQuery = { direction: 'out', protocol: 'icmp', address: destination, port: 0, names };
    const full = context.datagramFlows.size >= context.meter.maxDatagramFlows;
    if (full || context.proxy !== null || !context.meter.mayOpen(context.now)) {
      context.event('limit', query, full ? 'too many datagram flows are open' : 'pings are limited');
      packet.release();
      return;
    }
    const flow = new EchoFlow(context, query, source, identifier, packet, () => this.#flows.delete(key));
    this.#flows.set(key, flow);
    context.gate.decide(query, flow, context.now);
  }
}

class EchoFlow implements Flow, DecisionOwner, HostOwner, TimerOwner {
  queued = false;
  readonly query: FlowQuery;
  readonly #context: FlowContext;
  readonly #guest: Address;
  readonly #identifier: number;
  readonly #timer: Timer;
  readonly #forget: () => void;
  #first: PacketBuffer | null;
  #fd = -1;

  constructor(
    context: FlowContext,
    query: FlowQuery,
    guest: Address,
    identifier: number,
    first: PacketBuffer,
    forget: () => void,
  ) {
    this.#context = context;
    this.query = query;
    this.#guest = guest;
    this.#identifier = identifier;
    this.#first = first;
    this.#forget = forget;
    this.#timer = new Timer(this, 0);
  }

  decided(allowed: boolean, how: Verdict): void {
    const packet = this.#first;
    this.#first = null;
    if (packet === null) return;
    const fd = allowed ? this.#context.net.connectEcho(this.query.address, this) : -1;
    if (fd < 0) {
      if (allowed) this.#context.event('refuse', this.query, `the host allows no pings: ${errnoName(-fd)}`);
      this.#context.stack.network.refuse(packet, REFUSE_ADMIN);
      this.#forget();
      return;
    }
    this.#fd = fd;
    this.#context.datagramFlows.add(this);
    this.#context.event('connect', this.query, how.reason);
    this.send(packet);
  }

  /** Takes ownership. Requests that come before the decision are dropped. */
  send(packet: PacketBuffer): void {
    if (this.#fd >= 0) {
      const at = packet.transportOffset;
      this.#context.net.calls.send(this.#fd, packet.bytes, at, packet.end - at);
      this.#context.meter.moved(packet.length, this.#context.now);
      this.#context.stack.timers.arm(this.#timer, this.#context.now + IDLE);
    }
    packet.release();
  }

  hostReady(): void {
    this.#context.wake(this);
  }

  run(): boolean {
    for (let count = 0; count < BATCH; count++) {
      if (this.#fd < 0) return false;
      const length = this.#context.net.calls.receive(this.#fd, 65535);
      if (length === -EAGAIN) return false;
      if (length >= HEADER) this.#answer(length);
      else if (length < 0) return false;
    }
    return true;
  }

  #answer(length: number): void {
    const { stack, net } = this.#context;
    const { bytes } = net.calls;
    const isV4 = this.query.address.isV4;
    const type = bytes[DATA];
    if (type !== (isV4 ? ECHO_REPLY : ECHO_REPLY_V6)) return;
    const packet = stack.pool.copyOf(bytes, DATA, length);
    const at = packet.start;
    packet.view.setUint16(at + 4, this.#identifier);
    packet.view.setUint16(at + 2, 0);
    if (isV4) packet.view.setUint16(at + 2, internetChecksum(packet.view, at, packet.end));
    packet.protocol = isV4 ? ICMP : ICMPV6;
    stack.network.icmp.send(packet, this.query.address, this.#guest);
  }

  timerExpired(): void {
    this.end('idle');
  }

  get settled(): boolean {
    return true;
  }

  finish(reason: string): void {
    this.end(reason);
  }

  end(reason: string): void {
    this.#forget();
    this.#first?.release();
    this.#first = null;
    if (this.#fd < 0) return;
    this.#context.stack.timers.cancel(this.#timer);
    this.#context.net.close(this.#fd);
    this.#fd = -1;
    this.#context.datagramFlows.delete(this);
    this.#context.event('close', this.query, reason);
  }

  review(policy: Policy): void {
    const verdict = policy.judge(this.query);
    if (!this.#context.gate.review(this.query, verdict, this.#context.now)) this.end(verdict.reason);
  }
}

/** RFC 1071. */
function internetChecksum(view: DataView, start: number, end: number): number {
  let sum = 0;
  for (let at = start; at + 1 < end; at += 2) sum += view.getUint16(at);
  if ((end - start) % 2 === 1) sum += view.getUint8(end - 1) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}
