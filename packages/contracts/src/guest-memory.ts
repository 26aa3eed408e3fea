// Access to a program's memory by address. Implemented by mm over the memory file; by testkit over a plain array.
// Nothing here throws for a bad address: counts come back short, and errors are negative errno numbers.
import type { IoSegments } from './io-segments.js';

/** The bytes will be read (a write(2) source). */
export const ACCESS_READ = 1;
/** The bytes will be written (a read(2) destination). */
export const ACCESS_WRITE = 2;

export interface GuestMemory {
  /** Copies up to `length` bytes from guest `addr` to `into[at..]`. Returns bytes copied: short exactly at the first bad page. */
  copyIn(addr: number, into: Uint8Array, at: number, length: number): number;
  /** Copies up to `length` bytes to the guest. Short exactly at the first page that can't be written. */
  copyOut(addr: number, from: Uint8Array, at: number, length: number): number;
  /** Writes zeros. Returns bytes written. */
  zeroOut(addr: number, length: number): number;
  /** Little-endian loads; -EFAULT (negative) when unreadable. */
  readU8(addr: number): number;
  readU16(addr: number): number;
  readU32(addr: number): number;
  /** As a number when below 2^53; larger values come rounded, which is enough for addresses and sizes. -EFAULT when unreadable. */
  readU64(addr: number): number;
  /** Stores; 0 or -EFAULT. */
  writeU8(addr: number, value: number): number;
  writeU16(addr: number, value: number): number;
  writeU32(addr: number, value: number): number;
  writeU64(addr: number, value: number): number;
  /**
   * A NUL-terminated string of at most `limit` bytes before the NUL, one character per byte (latin1: preserves bytes).
   * -EFAULT when a byte before the NUL is unreadable, -ENAMETOOLONG when there is no NUL within `limit` + 1 bytes.
   */
  readString(addr: number, limit: number): string | number;
  /**
   * Appends the memory at [addr, addr+length) to `io`, faulting pages in (and breaking copy-on-write for ACCESS_WRITE).
   * Returns bytes added: short at the first page without that access; -EFAULT when none.
   */
  addSegments(addr: number, length: number, access: number, io: IoSegments): number;
}
