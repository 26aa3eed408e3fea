// What flows share: the gateway's stack, the host's sockets, the gate, the meter, and the list of those that have something to do.
import type { Address, Stack, Tcp, TcpSettings, Udp } from '@sandbox-kernel/netstack';
import type { EventLog, NetworkEventKind } from '../events.js';
import { flowEvent, type Gate } from '../gate.js';
import type { HostNet } from '../host-net.js';
import type { FlowQuery, Policy } from '../policy/policy.js';
import type { Meter } from './limits.js';
import type { UpstreamProxy } from './upstream-proxy.js';

/** Something with work to do. */
export interface Runnable {
  /** Belongs to the context. */
  queued: boolean;
  /** True: there is more to do at once. */
  run(now: number): boolean;
}

export interface Flow extends Runnable {
  readonly query: FlowQuery;
  /** Ends it from outside: the guest sees a reset (or silence, for datagrams). */
  end(reason: string): void;
  /** The guest has nothing more to say here: all that it sent is with the host. */
  readonly settled: boolean;
  /** The sandbox ends: what was passed to the host is left to it. */
  finish(reason: string): void;
  /** Under a new policy; ends itself if it may not go on. */
  review(policy: Policy): void;
}

export class FlowContext {
  readonly stack: Stack;
  readonly tcp: Tcp;
  readonly udp: Udp;
  readonly net: HostNet;
  readonly gate: Gate;
  meter: Meter;
  readonly proxy: UpstreamProxy | null;
  /** The gateway's addresses, which stand for the host's loopback. */
  readonly gateways: readonly Address[];
  readonly loopbacks: readonly Address[];
  readonly connections = new Set<Flow>();
  readonly datagramFlows = new Set<Flow>();
  /** Flows that wait for the byte rate. */
  readonly #throttled = new Set<Runnable>();
  #ready: Runnable[] = [];
  #running: Runnable[] = [];

  constructor(
    stack: Stack,
    tcp: Tcp,
    udp: Udp,
    net: HostNet,
    gate: Gate,
    meter: Meter,
    proxy: UpstreamProxy | null,
    gateways: readonly Address[],
    loopbacks: readonly Address[],
  ) {
    this.stack = stack;
    this.tcp = tcp;
    this.udp = udp;
    this.net = net;
    this.gate = gate;
    this.meter = meter;
    this.proxy = proxy;
    this.gateways = gateways;
    this.loopbacks = loopbacks;
  }

  get now(): number {
    return this.stack.network.now();
  }

  get log(): EventLog {
    return this.gate.log;
  }

  /** Where a flow to `address` really goes: the gateway's own address is the host. */
  realDestination(address: Address): Address {
    for (let i = 0; i < this.gateways.length; i++)
      if (this.gateways[i]?.equals(address)) return this.loopbacks[i] as Address;
    return address;
  }

  namesOf(address: Address): string[] {
    return this.gate.bindings.namesOf(address, this.now);
  }

  event(kind: NetworkEventKind, query: FlowQuery, reason: string, sent = -1, received = -1): void {
    const event = flowEvent(kind, query, reason);
    this.log.add(sent < 0 ? event : { ...event, sent, received }, this.now);
  }

  /** `flow` has something to do; it is run in the next poll. */
  wake(flow: Runnable): void {
    if (flow.queued) return;
    flow.queued = true;
    this.#ready.push(flow);
  }

  /** `flow` waits for the byte rate. */
  throttle(flow: Runnable): void {
    this.#throttled.add(flow);
  }

  get hasWork(): boolean {
    return this.#ready.length > 0;
  }

  /** Runs whoever has something to do, once each. Returns when it wants to be called again. */
  run(now: number): number {
    if (this.#throttled.size > 0 && this.meter.allowance(now) > 0) this.#releaseThrottled();
    const batch = this.#ready;
    this.#ready = this.#running;
    this.#running = batch;
    for (let i = 0; i < batch.length; i++) {
      const flow = batch[i] as Runnable;
      flow.queued = false;
      if (flow.run(now)) this.wake(flow);
    }
    batch.length = 0;
    if (this.#ready.length > 0) return now;
    return this.#throttled.size > 0 ? this.meter.readyAt(now) : Number.POSITIVE_INFINITY;
  }

  #releaseThrottled(): void {
    for (const flow of this.#throttled) this.wake(flow);
    this.#throttled.clear();
  }

  /** Buffers of a forwarded connection: large for a few, small for many, so that all together stay bounded. */
  bufferSize(): number {
    const open = this.connections.size;
    if (open < 64) return 2 << 20;
    return open < 1024 ? 256 << 10 : 64 << 10;
  }

  streamSettings(): TcpSettings {
    const settings = this.tcp.defaultSettings.clone();
    settings.noDelay = true;
    settings.receiveBuffer = this.bufferSize();
    settings.sendBuffer = settings.receiveBuffer;
    return settings;
  }
}
