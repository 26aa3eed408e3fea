// Timers by deadline: a binary heap in one array, nodes know their place, so that re-arming and cancelling cost O(log n).
// Tickless: the sentry sleeps until `next()`.

export interface TimerOwner {
  /** The deadline passed; the node is no longer in the heap and may be armed again here. */
  timerExpired(node: TimerNode, now: number): void;
}

export class TimerNode {
  readonly owner: TimerOwner;
  /** Absolute, ns monotonic. */
  deadline: number;
  /** Place in the heap, -1 when not armed. */
  index: number;

  constructor(owner: TimerOwner) {
    this.owner = owner;
    this.deadline = Infinity;
    this.index = -1;
  }

  get armed(): boolean {
    return this.index >= 0;
  }
}

export class TimerHeap {
  private readonly nodes: TimerNode[];

  constructor() {
    this.nodes = [];
  }

  get size(): number {
    return this.nodes.length;
  }

  /** Earliest deadline, Infinity for none. */
  next(): number {
    const first = this.nodes[0];
    return first === undefined ? Infinity : first.deadline;
  }

  arm(node: TimerNode, deadline: number): void {
    if (node.index >= 0) this.cancel(node);
    if (deadline === Infinity) return;
    node.deadline = deadline;
    node.index = this.nodes.length;
    this.nodes.push(node);
    this.up(node.index);
  }

  cancel(node: TimerNode): void {
    const at = node.index;
    if (at < 0) return;
    const last = this.nodes.pop()!;
    node.index = -1;
    if (last === node) return;
    this.nodes[at] = last;
    last.index = at;
    this.up(at);
    this.down(last.index);
  }

  /** Runs every timer due at `now`. Timers armed meanwhile for a time not after `now` wait for the next call. */
  expire(now: number): void {
    let budget = this.nodes.length;
    while (budget-- > 0) {
      const node = this.nodes[0];
      if (node === undefined || node.deadline > now) return;
      this.cancel(node);
      node.owner.timerExpired(node, now);
    }
  }

  private up(at: number): void {
    const node = this.nodes[at]!;
    while (at > 0) {
      const above = (at - 1) >>> 1;
      const parent = this.nodes[above]!;
      if (parent.deadline <= node.deadline) break;
      this.place(parent, at);
      at = above;
    }
    this.place(node, at);
  }

  private down(at: number): void {
    const node = this.nodes[at]!;
    const count = this.nodes.length;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= count) break;
      if (below + 1 < count && this.nodes[below + 1]!.deadline < this.nodes[below]!.deadline) below++;
      if (this.nodes[below]!.deadline >= node.deadline) break;
      this.place(this.nodes[below]!, at);
      at = below;
    }
    this.place(node, at);
  }

  private place(node: TimerNode, at: number): void {
    this.nodes[at] = node;
    node.index = at;
  }
}
