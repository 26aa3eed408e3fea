// Which parts of address spaces map a file: told when pages go. Used by every filesystem whose files can be mapped.
import type { Mappable, MappingOwner } from '@sandbox-kernel/contracts';

export interface MappedRange {
  readonly owner: MappingOwner;
  readonly offset: number;
  readonly length: number;
  readonly shared: boolean;
  readonly writable: boolean;
}

export function addRange(
  ranges: MappedRange[],
  owner: MappingOwner,
  offset: number,
  length: number,
  shared: boolean,
  writable: boolean,
): void {
  ranges.push({ owner, offset, length, shared, writable });
}

/** True when such a range was there. */
export function removeRange(
  ranges: MappedRange[],
  owner: MappingOwner,
  offset: number,
  length: number,
  shared: boolean,
  writable: boolean,
): boolean {
  for (let i = ranges.length - 1; i >= 0; i--) {
    const range = ranges[i]!;
    if (range.owner !== owner || range.offset !== offset || range.length !== length) continue;
    if (range.shared !== shared || range.writable !== writable) continue;
    ranges[i] = ranges[ranges.length - 1]!;
    ranges.pop();
    return true;
  }
  return false;
}

/** Tells all owners whose range overlaps. They may drop ranges meanwhile. */
export function invalidateRanges(
  ranges: MappedRange[],
  mappable: Mappable,
  offset: number,
  length: number,
): void {
  if (length <= 0 || ranges.length === 0) return;
  for (const range of [...ranges]) {
    const from = Math.max(range.offset, offset);
    const to = Math.min(range.offset + range.length, offset + length);
    if (from < to) range.owner.invalidate(mappable, from, to - from);
  }
}
