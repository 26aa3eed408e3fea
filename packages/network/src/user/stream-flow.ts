// The open part of a TCP flow in either direction: moves bytes, checks what the guest sends first, ends in order or by reset, and counts.
import { ECONNABORTED } from '@sandbox-kernel/abi';
import { type ReadinessOwner, type TcpEndpoint, Timer, type TimerOwner } from '@sandbox-kernel/netstack';
import type { HostOwner } from '../host-net.js';
import type { FlowQuery, Policy } from '../policy/policy.js';
import type { Flow, FlowContext } from './context.js';
import { inspectFirstBytes } from './first-bytes.js';
import { StreamSplice } from './stream-splice.js';

const SECOND = 1_000_000;
/** How long a guest may take to complete the beginning of TLS or HTTP. */
const FIRST_BYTES_PATIENCE = 5 * SECOND;
/** How long a failed host side waits for the guest to take what was sent before. */
const DRAIN_PATIENCE = 5 * SECOND;
const TIMER_FIRST_BYTES = 1;
const TIMER_DRAIN = 2;

export class StreamFlow implements Flow, ReadinessOwner, HostOwner, TimerOwner {
  queued = false;
  query: FlowQuery;
  readonly #context: FlowContext;
  readonly #splice: StreamSplice;
  readonly #timer: Timer;
  /** The application let it through where no rule would. */
  readonly #byApplication: boolean;
  #inspecting: boolean;
  #late = false;
  #draining = false;
  #closed = false;

  constructor(
    context: FlowContext,
    query: FlowQuery,
    endpoint: TcpEndpoint,
    fd: number,
    byApplication: boolean,
  ) {
    this.#context = context;
    this.query = query;
    this.#splice = new StreamSplice(context, endpoint, fd);
    this.#timer = new Timer(this, TIMER_FIRST_BYTES);
    this.#byApplication = byApplication;
    this.#inspecting = query.direction === 'out' && context.gate.policy.knowsNames;
    endpoint.setOwner(this, 0);
    context.connections.add(this);
    context.wake(this);
  }

  endpointReady(): void {
    this.#context.wake(this);
  }

  hostReady(events: number): void {
    this.#splice.noteHost(events);
    this.#context.wake(this);
  }

  timerExpired(timer: Timer): void {
    if (timer.kind === TIMER_DRAIN) this.#fail();
    else this.#late = true;
    this.#context.wake(this);
  }

  run(now: number): boolean {
    if (this.#closed) return false;
    if (this.#splice.guestBroken) {
      this.#close('the guest reset it', true);
      return false;
    }
    if (this.#inspecting) this.#inspect(now);
    if (this.#closed) return false;
    const { meter } = this.#context;
    const allowance = meter.allowance(now);
    if (allowance <= 0) return this.#starved();
    const more = this.#splice.move(allowance, !this.#inspecting, now);
    if (this.#splice.failure !== 0) this.#drain(now);
    else if (this.#splice.done) this.#close('both sides have finished', false);
    return more && !this.#closed;
  }

  end(reason: string): void {
    if (!this.#closed) this.#close(reason, true);
  }

  get settled(): boolean {
    return this.#closed || this.#splice.guestDone || this.#splice.guestBroken;
  }

  finish(reason: string): void {
    if (!this.#closed) this.#close(reason, false);
  }

  review(policy: Policy): void {
    if (this.#closed) return;
    const verdict = policy.judge(this.query);
    if (this.#byApplication && verdict.rule === null) return;
    if (!this.#context.gate.review(this.query, verdict, this.#context.now)) this.end(verdict.reason);
  }

  #starved(): boolean {
    if (this.#context.meter.spent) this.end('the cap on bytes is reached');
    else this.#context.throttle(this);
    return false;
  }

  #inspect(now: number): void {
    const seen = inspectFirstBytes(this.#splice.endpoint, this.#late);
    if (seen.kind === 'wait') {
      if (!this.#timer.armed && !this.#late)
        this.#context.stack.timers.arm(this.#timer, now + FIRST_BYTES_PATIENCE);
      return;
    }
    this.#inspecting = false;
    this.#context.stack.timers.cancel(this.#timer);
    if (seen.kind === 'refuse') this.#refuse(seen.reason, now);
    else if (seen.kind === 'name') this.#judgeName(seen.name, now);
  }

  /** Judged as if the address had been resolved for the name that the guest says it wants, and for no other. */
  #judgeName(name: string, now: number): void {
    if (this.#byApplication) return;
    const verdict = this.#context.gate.policy.judge({ ...this.query, names: [name] });
    if (!verdict.allowed) this.#refuse(`it asks for ${name}: ${verdict.reason}`, now);
    if (!this.#closed) this.query = { ...this.query, names: [name] };
  }

  #refuse(reason: string, now: number): void {
    const { gate } = this.#context;
    const verdict = { allowed: false, reason, rule: null, range: null };
    if (!gate.review(this.query, verdict, now)) this.#close(reason, true);
  }

  /** The host's side failed: the guest gets what came before, then a reset. */
  #drain(now: number): void {
    if (this.#splice.drained) this.#fail();
    else if (!this.#draining) {
      this.#draining = true;
      const timer = new Timer(this, TIMER_DRAIN);
      this.#context.stack.timers.arm(timer, now + DRAIN_PATIENCE);
    }
  }

  #fail(): void {
    if (!this.#closed)
      this.#close(`the other side failed (errno ${this.#splice.failure || ECONNABORTED})`, true);
  }

  #close(reason: string, reset: boolean): void {
    this.#closed = true;
    const { endpoint, fd, sent, received } = this.#splice;
    this.#context.stack.timers.cancel(this.#timer);
    if (reset) endpoint.abort();
    endpoint.close();
    this.#context.net.close(fd, reset);
    this.#context.connections.delete(this);
    this.#context.event('close', this.query, reason, sent, received);
  }
}
