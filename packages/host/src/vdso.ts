// The guest's vDSO as a file of the native part (native/vdso): mapped as it is, with the parameter page right below it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Door } from './door.js';

/** The ELF file; null where it was not shipped: programs then do without. */
export function readVdso(door: Door): Uint8Array | null {
  try {
    return new Uint8Array(readFileSync(join(door.native.folder, 'vdso.so')));
  } catch {
    return null;
  }
}
