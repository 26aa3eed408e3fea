// The areas (VMAs) of an address space: a range table with three columns of objects.
import type { Mappable } from '@sandbox-kernel/contracts';
import type { FaultMonitor } from './fault-monitor.js';
import { RangeTable } from './range-table.js';

export class AreaTable extends RangeTable {
  readonly files: (Mappable | null)[];
  readonly names: (string | null)[];
  /** Where VM_UFFD is set. */
  readonly monitors: (FaultMonitor | null)[];

  constructor() {
    super();
    this.files = [];
    this.names = [];
    this.monitors = [];
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
    this.monitors.splice(i, 0, null);
  }

  override remove(i: number, n: number): void {
    super.remove(i, n);
    this.files.splice(i, n);
    this.names.splice(i, n);
    this.monitors.splice(i, n);
  }

  override split(i: number, addr: number): void {
    super.split(i, addr);
    this.files.splice(i + 1, 0, this.files[i]!);
    this.names.splice(i + 1, 0, this.names[i]!);
    this.monitors.splice(i + 1, 0, this.monitors[i]!);
  }
}
