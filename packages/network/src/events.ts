// What the network tells: one event for each decision and each connection. A flood (a port scan) is told in sum, so that a guest can't
// fill the channel: above a rate, events of one kind and reason are counted and told once a second.
import type { Protocol } from './policy/rule.js';

export type NetworkEventKind =
  | 'connect'
  | 'close'
  | 'refuse'
  | 'would-refuse'
  | 'resolve'
  | 'publish'
  | 'limit'
  /** A LOG rule of the guest's own iptables or nft; `reason` is its line. */
  | 'log';

export interface NetworkEvent {
  readonly kind: NetworkEventKind;
  readonly protocol: Protocol | 'dns' | 'ip';
  readonly direction: 'out' | 'in';
  /** ADDRESS:PORT of the other side, or the name asked for. */
  readonly target: string;
  /** Names that the target is known by. */
  readonly names: readonly string[];
  /** Why, in words. */
  readonly reason: string;
  /** Of `close`: bytes from and to the guest. */
  readonly sent?: number;
  readonly received?: number;
  /** How many events this one stands for; 1 as a rule. */
  readonly count: number;
}

export type NetworkEventSink = (event: NetworkEvent) => void;

const SECOND = 1_000_000;
const PER_SECOND = 200;
/** Kinds of floods that are counted apart; beyond that they share one. */
const MAX_SUMS = 64;

/** Passes events on, and sums up what comes too fast. */
export class EventLog {
  readonly #sink: NetworkEventSink;
  readonly #sums = new Map<string, NetworkEvent>();
  #second = -1;
  #passed = 0;

  constructor(sink: NetworkEventSink) {
    this.#sink = sink;
  }

  add(told: NetworkEvent, now: number): void {
    const event = printable(told);
    this.#turn(now);
    if (this.#passed < PER_SECOND) {
      this.#passed++;
      this.#sink(event);
      return;
    }
    const wanted = `${event.kind} ${event.protocol} ${event.names[0] ?? ''}`;
    const key = this.#sums.size < MAX_SUMS || this.#sums.has(wanted) ? wanted : 'rest';
    const sum = this.#sums.get(key);
    this.#sums.set(key, { ...event, count: (sum?.count ?? 0) + event.count });
  }

  /** Tells sums of an earlier second. Returns when it wants to be called again. */
  poll(now: number): number {
    this.#turn(now);
    return this.#sums.size === 0 ? Number.POSITIVE_INFINITY : (this.#second + 1) * SECOND;
  }

  /** Tells all sums at once. */
  flush(): void {
    for (const sum of this.#sums.values()) this.#sink(sum);
    this.#sums.clear();
  }

  #turn(now: number): void {
    const second = Math.floor(now / SECOND);
    if (second === this.#second) return;
    this.#second = second;
    this.#passed = 0;
    this.flush();
  }
}

/** What a guest put into names must not reach a terminal as it is. */
function printable(event: NetworkEvent): NetworkEvent {
  const { target, names, reason } = event;
  if (!/[^ -~]/.test(target + names.join('') + reason)) return event;
  return { ...event, target: plain(target), names: names.map(plain), reason: plain(reason) };
}

function plain(text: string): string {
  return text.replace(/[^ -~]/g, '?');
}
