// Timers: a hierarchical wheel (Varghese and Lauck) with intrusive timers, so that arming one costs no allocation.
// Times are whole microseconds. A timer that is armed again for later stays in its slot and is moved when the slot
// comes up: re-arming on every acknowledgement is one store. Order of firing is deterministic: by slot, then by arming.

/** Who owns a timer. `timer.kind` tells the owner which of its timers fired. */
export interface TimerOwner {
  timerExpired(timer: Timer, now: number): void;
}

export class Timer {
  readonly owner: TimerOwner;
  readonly kind: number;
  /** When it fires, in microseconds; meaningful while armed. */
  deadline: number;
  armed: boolean;
  /** Wheel internals: the deadline that put it where it is, its slot and neighbours. */
  placed: number;
  slot: number;
  previous: Timer | null;
  following: Timer | null;

  constructor(owner: TimerOwner, kind: number) {
    this.owner = owner;
    this.kind = kind;
    this.deadline = 0;
    this.armed = false;
    this.placed = 0;
    this.slot = -1;
    this.previous = null;
    this.following = null;
  }
}

const TICK = 64;
const SLOT_BITS = 6;
const SLOTS = 1 << SLOT_BITS;
const LEVELS = 7;

export class TimerWheel {
  private readonly heads: (Timer | null)[];
  private readonly tails: (Timer | null)[];
  /** Two words of occupancy per level. */
  private readonly occupied: Int32Array;
  /** All slots of ticks before this one are empty. */
  private tick: number;
  /** Where moveToGoal shall go. */
  private goal: number;
  private earliest: number;
  private earliestValid: boolean;
  /** Timers in the wheel. */
  count: number;

  constructor(now = 0) {
    this.heads = new Array<Timer | null>(SLOTS * LEVELS).fill(null);
    this.tails = new Array<Timer | null>(SLOTS * LEVELS).fill(null);
    this.occupied = new Int32Array(LEVELS * 2);
    this.tick = Math.floor(now / TICK);
    this.goal = this.tick;
    this.earliest = Number.POSITIVE_INFINITY;
    this.earliestValid = true;
    this.count = 0;
  }

  /** Arms `timer` for `deadline` (microseconds), or moves it there when it is armed. A past deadline fires at the next advance. */
  arm(timer: Timer, deadline: number): void {
    timer.deadline = deadline;
    timer.armed = true;
    if (timer.slot >= 0) {
      if (deadline >= timer.placed) return;
      this.unlink(timer);
    }
    this.place(timer);
  }

  /** As `arm` for `delay` after `now`; the sum is made here because passing it would make a box (see boxed.ts). */
  armAfter(timer: Timer, now: number, delay: number): void {
    timer.deadline = now + delay;
    timer.armed = true;
    if (timer.slot >= 0) {
      if (timer.deadline >= timer.placed) return;
      this.unlink(timer);
    }
    this.place(timer);
  }

  cancel(timer: Timer): void {
    timer.armed = false;
    if (timer.slot >= 0) this.unlink(timer);
  }

  /**
   * The time at which advance() should next be called, Infinity when there is none. It may be early (a timer that was
   * armed again for later), never late.
   */
  nextDeadline(): number {
    if (!this.earliestValid) this.findEarliest();
    return this.earliest;
  }

  /** Fires all timers due at `now`; returns how many. Timers armed by the owners for `now` or before fire as well. */
  advance(now: number): number {
    let fired = 0;
    for (;;) {
      if (!this.earliestValid) this.findEarliest();
      if (this.earliest > now) break;
      const tick = Math.max(this.tick, Math.floor(this.earliest / TICK));
      this.goal = Math.min(tick, Math.floor(now / TICK));
      this.moveToGoal();
      fired += this.runSlot(now);
    }
    this.goal = Math.floor(now / TICK);
    if (this.goal > this.tick) this.moveToGoal();
    return fired;
  }

  private runSlot(now: number): number {
    let fired = 0;
    const slot = this.tick % SLOTS;
    let timer = this.heads[slot] as Timer | null;
    this.earliestValid = false;
    while (timer !== null) {
      const following: Timer | null = timer.following;
      if (timer.placed <= now) {
        this.unlink(timer);
        if (timer.deadline > now) this.place(timer);
        else {
          timer.armed = false;
          fired++;
          timer.owner.timerExpired(timer, now);
          // The owner may have changed the list: begin again.
          timer = this.heads[slot] as Timer | null;
          continue;
        }
      }
      timer = following;
    }
    return fired;
  }

  /** Advances the wheel's position, bringing down what the new position makes near. */
  private moveToGoal(): void {
    const tick = this.goal;
    const before = this.tick;
    if (tick === before) return;
    this.tick = tick;
    let unit = 1;
    for (let level = 1; level < LEVELS; level++) {
      unit *= SLOTS;
      if (Math.floor(before / unit) === Math.floor(tick / unit)) break;
      this.cascade(level * SLOTS + (Math.floor(tick / unit) % SLOTS));
    }
  }

  private cascade(slot: number): void {
    let timer = this.heads[slot] as Timer | null;
    if (timer === null) return;
    this.heads[slot] = null;
    this.tails[slot] = null;
    this.clearBit(slot);
    while (timer !== null) {
      const following: Timer | null = timer.following;
      this.count--;
      timer.slot = -1;
      this.place(timer);
      timer = following;
    }
  }

  private place(timer: Timer): void {
    timer.placed = timer.deadline;
    const tick = Math.max(this.tick, Math.floor(Math.min(timer.deadline, Number.MAX_SAFE_INTEGER) / TICK));
    let level = 0;
    let unit = 1;
    // The level is that of the highest digit (base 64) in which the two ticks differ.
    while (
      level < LEVELS - 1 &&
      Math.floor(tick / (unit * SLOTS)) !== Math.floor(this.tick / (unit * SLOTS))
    ) {
      unit *= SLOTS;
      level++;
    }
    this.link(timer, level * SLOTS + (Math.floor(tick / unit) % SLOTS));
    if (this.earliestValid && timer.placed < this.earliest) this.earliest = timer.placed;
  }

  private link(timer: Timer, slot: number): void {
    const tail = this.tails[slot] as Timer | null;
    timer.slot = slot;
    timer.previous = tail;
    timer.following = null;
    if (tail === null) this.heads[slot] = timer;
    else tail.following = timer;
    this.tails[slot] = timer;
    const word = slot >>> 5;
    this.occupied[word] = (this.occupied[word] as number) | (1 << (slot & 31));
    this.count++;
  }

  private unlink(timer: Timer): void {
    const slot = timer.slot;
    if (timer.previous === null) this.heads[slot] = timer.following;
    else timer.previous.following = timer.following;
    if (timer.following === null) this.tails[slot] = timer.previous;
    else timer.following.previous = timer.previous;
    if (this.heads[slot] === null) this.clearBit(slot);
    timer.slot = -1;
    timer.previous = null;
    timer.following = null;
    this.count--;
    if (timer.placed === this.earliest) this.earliestValid = false;
  }

  private clearBit(slot: number): void {
    const word = slot >>> 5;
    this.occupied[word] = (this.occupied[word] as number) & ~(1 << (slot & 31));
  }

  /** Timers of a lower level are earlier than those of a higher one, and slots of a level follow its own position. */
  private findEarliest(): void {
    this.earliestValid = true;
    this.earliest = Number.POSITIVE_INFINITY;
    if (this.count === 0) return;
    let unit = 1;
    for (let level = 0; level < LEVELS; level++) {
      const lo = this.occupied[level * 2] as number;
      const hi = this.occupied[level * 2 + 1] as number;
      if ((lo | hi) !== 0) {
        const from = level === LEVELS - 1 ? 0 : Math.floor(this.tick / unit) % SLOTS;
        this.takeMinimum(level, firstBit(lo, hi, from));
        return;
      }
      unit *= SLOTS;
    }
  }

  private takeMinimum(level: number, slotInLevel: number): void {
    const last = level === LEVELS - 1;
    const from = last ? 0 : slotInLevel;
    const to = last ? SLOTS - 1 : slotInLevel;
    // The top level wraps round (spans beyond its range share slots), so all of it is looked at.
    for (let slot = from; slot <= to; slot++) {
      let timer = this.heads[level * SLOTS + slot] as Timer | null;
      for (; timer !== null; timer = timer.following) {
        if (timer.placed < this.earliest) this.earliest = timer.placed;
      }
    }
  }
}

/** Index of the first set bit at or after `from`, in a 64-bit mask of two words; of the first at all if there is none. */
function firstBit(lo: number, hi: number, from: number): number {
  const low = from < 32 ? lo & (-1 << from) : 0;
  if (low !== 0) return lowestBit(low);
  const high = from <= 32 ? hi : hi & (-1 << (from - 32));
  if (high !== 0) return 32 + lowestBit(high);
  return lo !== 0 ? lowestBit(lo) : 32 + lowestBit(hi);
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
