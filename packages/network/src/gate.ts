// The gate: every new flow and every name comes by here. It asks the policy, and where the application wants a say (onConnect), it asks
// that as well and holds the flow meanwhile, for a bounded time and in bounded number. What it decides it tells.
import { Timer, type TimerOwner, type TimerWheel } from '@sandbox-kernel/netstack';
import type { EventLog, NetworkEvent, NetworkEventKind } from './events.js';
import type { NameBindings } from './policy/name-bindings.js';
import type { FlowQuery, Policy, Verdict } from './policy/policy.js';

/** A flow about which the application is asked. */
export interface ConnectQuestion {
  readonly id: number;
  readonly query: FlowQuery;
  /** What the rules say. */
  readonly verdict: Verdict;
}

/** The application's ear. It answers by Gate.answer, now or later. */
export type AskApplication = (question: ConnectQuestion) => void;

export type Decision = 'allow' | 'deny' | 'rules';

/** Told once what became of a flow. */
export interface DecisionOwner {
  decided(allowed: boolean, how: Verdict, byApplication: boolean): void;
}

const MAX_QUESTIONS = 256;
const SECOND = 1_000_000;

interface Pending {
  readonly question: ConnectQuestion;
  readonly owner: DecisionOwner;
  readonly timer: Timer;
}

export class Gate implements TimerOwner {
  policy: Policy;
  /** Refusals are told, not carried out. */
  audit: boolean;
  readonly bindings: NameBindings;
  readonly log: EventLog;
  readonly #timers: TimerWheel;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #ask: AskApplication | null = null;
  #patience = 5 * SECOND;

  constructor(policy: Policy, audit: boolean, bindings: NameBindings, log: EventLog, timers: TimerWheel) {
    this.policy = policy;
    this.audit = audit;
    this.bindings = bindings;
    this.log = log;
    this.#timers = timers;
  }

  /** From now on the application is asked (null: no longer); without an answer after `patience` µs the flow is refused. */
  setApplication(ask: AskApplication | null, patience = 5 * SECOND): void {
    this.#ask = ask;
    this.#patience = patience;
  }

  /** Decides about a flow; the owner is told at once unless the application is asked. */
  decide(query: FlowQuery, owner: DecisionOwner, now: number): void {
    const verdict = this.policy.judge(query);
    if (this.#ask === null) this.#finish(query, owner, verdict, false, now);
    else if (this.#pending.size >= MAX_QUESTIONS)
      this.#finish(query, owner, refusal(verdict, 'too many questions to the application'), true, now);
    else this.#question(query, verdict, owner, now);
  }

  answer(id: number, decision: Decision, now: number): boolean {
    const pending = this.#pending.get(id);
    if (pending === undefined) return false;
    this.#pending.delete(id);
    this.#timers.cancel(pending.timer);
    const { query, verdict } = pending.question;
    const said = { ...verdict, allowed: decision === 'allow', reason: `the application said ${decision}` };
    this.#finish(query, pending.owner, decision === 'rules' ? verdict : said, decision !== 'rules', now);
    return true;
  }

  /** A question whose time is up: `timer.kind` is its number. */
  timerExpired(timer: Timer, now: number): void {
    const pending = this.#pending.get(timer.kind);
    if (pending === undefined) return;
    this.#pending.delete(timer.kind);
    const { query, verdict } = pending.question;
    this.#finish(query, pending.owner, refusal(verdict, 'the application did not answer in time'), true, now);
  }

  /** What later sight of a flow (a server name, a new policy) says; true when it may go on. */
  review(query: FlowQuery, verdict: Verdict, now: number): boolean {
    if (verdict.allowed) return true;
    this.#tell(query, this.audit ? 'would-refuse' : 'refuse', verdict.reason, now);
    return this.audit;
  }

  get questions(): number {
    return this.#pending.size;
  }

  #question(query: FlowQuery, verdict: Verdict, owner: DecisionOwner, now: number): void {
    const id = this.#nextId++;
    const timer = new Timer(this, id);
    const question = { id, query, verdict };
    this.#pending.set(id, { question, owner, timer });
    this.#timers.arm(timer, now + this.#patience);
    this.#ask?.(question);
  }

  #finish(query: FlowQuery, owner: DecisionOwner, how: Verdict, asked: boolean, now: number): void {
    if (!how.allowed) this.#tell(query, this.audit ? 'would-refuse' : 'refuse', how.reason, now);
    owner.decided(how.allowed || this.audit, how, asked);
  }

  #tell(query: FlowQuery, kind: NetworkEventKind, reason: string, now: number): void {
    this.log.add(flowEvent(kind, query, reason), now);
  }
}

function refusal(verdict: Verdict, reason: string): Verdict {
  return { ...verdict, allowed: false, reason };
}

export function flowEvent(kind: NetworkEventKind, query: FlowQuery, reason: string): NetworkEvent {
  const { address, port, protocol, direction, names } = query;
  return { kind, protocol, direction, target: endpointText(address, port), names, reason, count: 1 };
}

/** ADDRESS:PORT, [IPV6]:PORT; the address alone without a port. */
export function endpointText(address: { isV4: boolean; toString(): string }, port: number): string {
  if (port === 0) return `${address}`;
  return address.isV4 ? `${address}:${port}` : `[${address}]:${port}`;
}
