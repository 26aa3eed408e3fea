// In which order a table's routes are told. IPv4's lie in a trie by their first address, the longest prefix first where that is the same:
// the default route comes first. IPv6's tree is walked from the leaves up: what is more special first, the default route last.
import type { Address } from '@sandbox-kernel/netstack';

interface Ordered {
  readonly destination: Address;
  readonly prefixLength: number;
  readonly metric: number;
}

export function inTableOrder<T extends Ordered>(routes: readonly T[]): T[] {
  return [...routes].sort(compare);
}

function compare(one: Ordered, other: Ordered): number {
  if (one.destination.isV4 !== other.destination.isV4) return one.destination.isV4 ? -1 : 1;
  if (!one.destination.isV4) {
    const common = Math.min(one.prefixLength, other.prefixLength);
    const nested = one.destination.prefix(common).equals(other.destination.prefix(common));
    if (nested && one.prefixLength !== other.prefixLength) return other.prefixLength - one.prefixLength;
  }
  const order = compareAddresses(one.destination, other.destination);
  if (order !== 0) return order;
  return other.prefixLength - one.prefixLength || one.metric - other.metric;
}

function compareAddresses(one: Address, other: Address): number {
  const left = one.toBytes();
  const right = other.toBytes();
  for (let i = 0; i < left.length; i++) {
    const difference = (left[i] as number) - (right[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}
