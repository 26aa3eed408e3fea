// Which flow a packet belongs to: the addresses and ports at both ends, and a chained hash table of all flows of one
// protocol. The hash is keyed, so that a peer can't choose flows that share a chain; looking up allocates nothing.

import type { Address } from '../address.js';

/** One flow as an endpoint of ours sees it. What owns it (a connection, a TIME-WAIT record …) is told by `kind`. */
export class FlowTuple {
  readonly local: Address;
  readonly localPort: number;
  readonly remote: Address;
  readonly remotePort: number;
  /** The protocol's business. */
  kind: number;
  owner: object | null = null;
  hash = 0;
  next: FlowTuple | null = null;
  inserted = false;

  constructor(local: Address, localPort: number, remote: Address, remotePort: number, kind: number) {
    this.local = local;
    this.localPort = localPort;
    this.remote = remote;
    this.remotePort = remotePort;
    this.kind = kind;
  }
}

const INITIAL_BUCKETS = 256;

export class FlowTable {
  private buckets: (FlowTuple | null)[];
  private readonly secret: number;
  count: number;

  constructor(secret: number) {
    this.buckets = new Array<FlowTuple | null>(INITIAL_BUCKETS).fill(null);
    this.secret = secret | 0;
    this.count = 0;
  }

  find(local: Address, localPort: number, remote: Address, remotePort: number): FlowTuple | null {
    const hash = this.hashOf(local, localPort, remote, remotePort);
    let flow = this.buckets[hash & (this.buckets.length - 1)] as FlowTuple | null;
    while (flow !== null) {
      if (
        flow.hash === hash &&
        flow.remotePort === remotePort &&
        flow.localPort === localPort &&
        flow.remote.equals(remote) &&
        flow.local.equals(local)
      ) {
        return flow;
      }
      flow = flow.next;
    }
    return null;
  }

  /** Precondition: no flow with the same ends is in the table. */
  insert(flow: FlowTuple): void {
    if (this.count >= this.buckets.length * 2) this.grow();
    flow.hash = this.hashOf(flow.local, flow.localPort, flow.remote, flow.remotePort);
    this.link(flow);
    flow.inserted = true;
    this.count++;
  }

  remove(flow: FlowTuple): void {
    if (!flow.inserted) return;
    const slot = flow.hash & (this.buckets.length - 1);
    let at = this.buckets[slot] as FlowTuple | null;
    if (at === flow) this.buckets[slot] = flow.next;
    while (at !== null && at.next !== flow) at = at.next;
    if (at !== null) at.next = flow.next;
    flow.next = null;
    flow.inserted = false;
    this.count--;
  }

  /** All flows, for dumps and for stopping. */
  list(): FlowTuple[] {
    const flows: FlowTuple[] = [];
    for (const head of this.buckets) {
      for (let flow = head; flow !== null; flow = flow.next) flows.push(flow);
    }
    return flows;
  }

  hashOf(local: Address, localPort: number, remote: Address, remotePort: number): number {
    let h = Math.imul(remote.hash ^ this.secret, 0x2c1b3c6d);
    h = Math.imul(h ^ local.hash ^ (h >>> 15), 0x297a2d39);
    h = Math.imul(h ^ ((remotePort << 16) | localPort) ^ (h >>> 13), 0x2c1b3c6d);
    h = Math.imul(h ^ this.secret ^ (h >>> 16), 0x297a2d39);
    return h ^ (h >>> 15);
  }

  private link(flow: FlowTuple): void {
    const slot = flow.hash & (this.buckets.length - 1);
    flow.next = this.buckets[slot] as FlowTuple | null;
    this.buckets[slot] = flow;
  }

  private grow(): void {
    const flows = this.list();
    this.buckets = new Array<FlowTuple | null>(this.buckets.length * 4).fill(null);
    for (const flow of flows) this.link(flow);
  }
}
