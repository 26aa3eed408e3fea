// The areas (VMAs) of an address space: a range table with two columns of objects.
import type { Mappable } from '@sandbox-kernel/contracts';
import { RangeTable } from './range-table.js';

export class AreaTable extends RangeTable {
  readonly files: (Mappable | null)[];
  readonly names: (string | null)[];

  constructor() {
    super();
    this.files = [];
    this.names = [];
  }

  /** Adds an area; `insert` alone would leave the object columns behind. */
  add(
    i: number,
    start: number,
    end: number,
    offset: number,
    flags: number,
    file: Mappable | null,
    name: string | null,
  ): void {
    this.insert(i, start, end, offset, flags, 0);
    this.files.splice(i, 0, file);
    this.names.splice(i, 0, name);
  }

  override remove(i: number, n: number): void {
    super.remove(i, n);
    this.files.splice(i, n);
    this.names.splice(i, n);
  }

  override split(i: number, addr: number): void {
    super.split(i, addr);
    this.files.splice(i + 1, 0, this.files[i]!);
    this.names.splice(i + 1, 0, this.names[i]!);
  }
}
