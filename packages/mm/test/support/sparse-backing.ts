// An array backing that knows which pages were written to: those that hold anything but zeros.
import { ArrayBacking } from '@sandbox-kernel/mm';
import { PAGE } from './world.js';

export class SparseBacking extends ArrayBacking {
  present(offset: number, length: number, into: Uint8Array, at: number): void {
    const bytes = this.chunk(0);
    for (let k = 0; k < length / PAGE; k++) {
      const start = offset + k * PAGE;
      into[at + k] = bytes.subarray(start, start + PAGE).some((byte) => byte !== 0) ? 1 : 0;
    }
  }
}
