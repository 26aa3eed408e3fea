// A set of capabilities (capabilities(7)) as two words, and the sets that mean something by themselves.
import { CAP_LAST_CAP } from '@sandbox-kernel/abi';

export class CapabilitySet {
  readonly lo: number;
  readonly hi: number;

  constructor(lo: number, hi: number) {
    this.lo = lo | 0;
    this.hi = hi | 0;
  }

  has(capability: number): boolean {
    return ((capability < 32 ? this.lo >>> capability : this.hi >>> (capability - 32)) & 1) === 1;
  }

  and(other: CapabilitySet): CapabilitySet {
    return new CapabilitySet(this.lo & other.lo, this.hi & other.hi);
  }

  or(other: CapabilitySet): CapabilitySet {
    return new CapabilitySet(this.lo | other.lo, this.hi | other.hi);
  }

  without(other: CapabilitySet): CapabilitySet {
    return new CapabilitySet(this.lo & ~other.lo, this.hi & ~other.hi);
  }

  with(capability: number): CapabilitySet {
    return this.or(single(capability));
  }

  dropping(capability: number): CapabilitySet {
    return this.without(single(capability));
  }

  isSubsetOf(other: CapabilitySet): boolean {
    return ((this.lo & ~other.lo) | (this.hi & ~other.hi)) === 0;
  }

  get empty(): boolean {
    return (this.lo | this.hi) === 0;
  }
}

function single(capability: number): CapabilitySet {
  return capability < 32
    ? new CapabilitySet(1 << capability, 0)
    : new CapabilitySet(0, 1 << (capability - 32));
}

export const NO_CAPABILITIES: CapabilitySet = new CapabilitySet(0, 0);
/** All that this kernel knows: 0 … CAP_LAST_CAP. */
export const ALL_CAPABILITIES: CapabilitySet = new CapabilitySet(-1, (1 << (CAP_LAST_CAP - 31)) - 1);
