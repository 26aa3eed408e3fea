// A world of stacks under one virtual clock: advances to whatever deadline comes first, so hours pass in milliseconds.
import { Address } from '../../src/address.js';
import type { LinkDevice } from '../../src/link/device.js';
import { createVethPair, type VethOptions } from '../../src/link/veth.js';
import type { InterfaceOptions, NetInterface } from '../../src/network/interface.js';
import { Stack, type StackOptions } from '../../src/stack.js';
import { SeededRandom } from './random.js';

export class World {
  now = 0;
  readonly stacks: Stack[] = [];
  readonly random: SeededRandom;

  constructor(seed = 1) {
    this.random = new SeededRandom(seed);
  }

  stack(options: Partial<StackOptions> = {}): Stack {
    const stack = new Stack({ random: new SeededRandom(this.random.next32()), now: this.now, ...options });
    this.stacks.push(stack);
    return stack;
  }

  /** Polls all stacks until nothing is left to do at this moment; returns the next deadline. */
  settle(): number {
    for (let round = 0; round < 1000; round++) {
      let next = Number.POSITIVE_INFINITY;
      for (const stack of this.stacks) next = Math.min(next, stack.poll(this.now));
      if (next > this.now && !this.stacks.some((stack) => stack.network.hasWork)) return next;
    }
    throw new Error('the world does not come to rest');
  }

  /** Lets `micros` pass. */
  run(micros: number): void {
    const end = this.now + micros;
    for (;;) {
      const next = this.settle();
      if (next > end) break;
      this.now = Math.max(next, this.now + 1);
    }
    this.now = end;
    this.settle();
  }

  /** Runs until `done`, at most `micros`; true when it was done in time. */
  runUntil(done: () => boolean, micros: number): boolean {
    const end = this.now + micros;
    for (;;) {
      const next = this.settle();
      if (done()) return true;
      if (next > end) return false;
      this.now = Math.max(next, this.now + 1);
    }
  }
}

/** Adds an interface with addresses in the form 10.0.0.1/24. */
export function configure(
  stack: Stack,
  device: LinkDevice,
  addresses: readonly string[],
  options: InterfaceOptions = {},
): NetInterface {
  const iface = stack.addInterface(device, { dadTransmits: 0, ...options });
  for (const text of addresses) {
    const [address, length] = text.split('/');
    stack.addAddress(iface, Address.of(address as string), Number(length));
  }
  return iface;
}

export interface Pair {
  readonly world: World;
  readonly a: Stack;
  readonly b: Stack;
  readonly ifaceA: NetInterface;
  readonly ifaceB: NetInterface;
}

/** Two stacks on one wire: 10.0.0.1 and 10.0.0.2, fd00::1 and fd00::2. `wrap` may decorate the ends. */
export function pair(
  options: VethOptions & {
    readonly seed?: number;
    readonly wrap?: (device: LinkDevice, world: World, end: number) => LinkDevice;
  } = {},
): Pair {
  const world = new World(options.seed ?? 1);
  const wrap = options.wrap ?? ((device: LinkDevice) => device);
  const [left, right] = createVethPair(options);
  const a = world.stack();
  const b = world.stack();
  const ifaceA = configure(a, wrap(left, world, 0), ['10.0.0.1/24', 'fd00::1/64']);
  const ifaceB = configure(b, wrap(right, world, 1), ['10.0.0.2/24', 'fd00::2/64']);
  world.settle();
  return { world, a, b, ifaceA, ifaceB };
}
