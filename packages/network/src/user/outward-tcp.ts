// A guest's SYN: judged, then carried out on the host while the guest's handshake waits, so that the guest sees what the other side says:
// a connection, ECONNREFUSED, EHOSTUNREACH, or nothing.
import { ECONNREFUSED, EINPROGRESS, EMFILE, ENFILE, ETIMEDOUT, errnoName } from '@sandbox-kernel/abi';
import { type ForwardedTcp, type TcpForwarder, Timer, type TimerOwner } from '@sandbox-kernel/netstack';
import { type DecisionOwner, endpointText } from '../gate.js';
import type { HostOwner } from '../host-net.js';
import type { FlowQuery, Policy, Verdict } from '../policy/policy.js';
import type { Flow, FlowContext } from './context.js';
import { StreamFlow } from './stream-flow.js';
import type { ProxyDialogue } from './upstream-proxy.js';

const PATIENCE = 130_000_000;

/** Takes the SYNs that no listener of the gateway waits for. */
export class OutwardTcp implements TcpForwarder {
  readonly #context: FlowContext;

  constructor(context: FlowContext) {
    this.#context = context;
  }

  incomingTcp(flow: ForwardedTcp): void {
    const context = this.#context;
    const address = context.realDestination(flow.destination);
    const query: FlowQuery = {
      direction: 'out',
      protocol: 'tcp',
      address,
      port: flow.destinationPort,
      names: context.namesOf(flow.destination),
    };
    const limit = this.#overLimit();
    if (limit !== null) {
      context.event('limit', query, limit);
      flow.refuse('reset');
      return;
    }
    const opening = new OpeningTcp(context, flow, query);
    context.gate.decide(query, opening, context.now);
  }

  #overLimit(): string | null {
    const { meter, connections, now } = this.#context;
    if (connections.size >= meter.maxConnections) return `${meter.maxConnections} connections are open`;
    if (meter.spent) return 'the cap on bytes is reached';
    return meter.mayOpen(now) ? null : 'too many new connections a second';
  }
}

/** A SYN that waits: for the application, for the host, for a proxy. */
class OpeningTcp implements Flow, DecisionOwner, HostOwner, TimerOwner {
  queued = false;
  readonly query: FlowQuery;
  readonly #context: FlowContext;
  readonly #syn: ForwardedTcp;
  #fd = -1;
  #connected = false;
  #byApplication = false;
  #dialogue: ProxyDialogue | null = null;
  #open: StreamFlow | null = null;
  #over = false;
  /** What the descriptor was ready for before the flow was open: an edge is told only once. */
  #events = 0;
  #reason = '';
  readonly #timer: Timer;

  constructor(context: FlowContext, syn: ForwardedTcp, query: FlowQuery) {
    this.#context = context;
    this.#syn = syn;
    this.query = query;
    this.#timer = new Timer(this, 0);
    context.connections.add(this);
  }

  decided(allowed: boolean, how: Verdict, byApplication: boolean): void {
    if (this.#over) return;
    this.#byApplication = byApplication;
    this.#reason = how.reason;
    if (!allowed) this.#refuse(-ECONNREFUSED);
    else this.#connect();
  }

  #connect(): void {
    const { net, proxy } = this.#context;
    const { address, port } = this.query;
    if (proxy !== null) this.#dialogue = proxy.dialogue(this.query);
    const to = proxy?.address ?? address;
    const fd = net.connectStream(to, proxy?.port ?? port, this);
    if (fd < 0) {
      this.#failed(fd);
      return;
    }
    this.#fd = fd;
    this.#context.stack.timers.arm(this.#timer, this.#context.now + PATIENCE);
    // On the host's loopback it stands already: no need to be told so.
    this.#context.wake(this);
  }

  /** Before the flow is open; afterwards the descriptor's news go on to it. */
  hostReady(events: number): void {
    if (this.#open !== null) {
      this.#open.hostReady(events);
      return;
    }
    this.#events |= events;
    this.#context.wake(this);
  }

  /** Nobody answers: longer than this no client waits for a connection. */
  timerExpired(): void {
    if (!this.#over) this.#failed(-ETIMEDOUT);
  }

  run(): boolean {
    if (this.#over || this.#fd < 0) return false;
    if (!this.#connected) {
      const result = this.#context.net.connected(this.#fd);
      if (result === -EINPROGRESS) return false;
      if (result < 0) this.#failed(result);
      else this.#connected = true;
    }
    if (this.#connected && !this.#over) this.#greetProxy();
    return false;
  }

  #greetProxy(): void {
    const result = this.#dialogue === null ? 1 : this.#dialogue.advance(this.#context.net, this.#fd);
    if (result < 0) this.#failed(result);
    else if (result > 0) this.#accept();
  }

  #accept(): void {
    this.#leave();
    const endpoint = this.#syn.accept(null, 0, this.#context.streamSettings());
    if (endpoint === null) {
      this.#context.net.close(this.#fd, true);
      return;
    }
    this.#open = new StreamFlow(this.#context, this.query, endpoint, this.#fd, this.#byApplication);
    this.#open.hostReady(this.#events);
    this.#context.event('connect', this.query, this.#reason);
  }

  get settled(): boolean {
    return true;
  }

  finish(): void {
    this.end();
  }

  end(): void {
    if (!this.#over) this.#refuse(-ECONNREFUSED);
  }

  review(policy: Policy): void {
    const verdict = policy.judge(this.query);
    if (this.#byApplication && verdict.rule === null) return;
    if (!this.#context.gate.review(this.query, verdict, this.#context.now)) this.end();
  }

  #failed(error: number): void {
    const where = endpointText(this.query.address, this.query.port);
    const limit = error === -EMFILE || error === -ENFILE;
    const reason = limit ? 'the host has no descriptor left' : `${where}: ${errnoName(-error)}`;
    this.#context.event(limit ? 'limit' : 'close', this.query, reason);
    this.#refuse(error);
  }

  #refuse(error: number): void {
    this.#leave();
    if (this.#fd >= 0) this.#context.net.close(this.#fd, true);
    this.#fd = -1;
    this.#syn.refuse(error === -ECONNREFUSED || error === -EMFILE || error === -ENFILE ? 'reset' : 'host');
  }

  #leave(): void {
    this.#over = true;
    this.#context.stack.timers.cancel(this.#timer);
    this.#context.connections.delete(this);
  }
}
