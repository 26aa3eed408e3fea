// Branded numbers: a kernel number of one kind can't be passed where another is wanted, and a raw value from a
// program can't be passed inward without a check (which is where the `as` stands).

declare const brand: unique symbol;
type Branded<Name extends string> = number & { readonly [brand]: Name };

/** An address in a program, an integer in [0, 2^47). */
export type Addr = Branded<'Addr'>;
/** A descriptor number, an integer in [0, 2^31). */
export type Fd = Branded<'Fd'>;
/** A thread group's number, as getpid(2) gives it. */
export type Pid = Branded<'Pid'>;
/** A thread's number, as gettid(2) gives it. */
export type Tid = Branded<'Tid'>;
/** An inode number; unique within its filesystem. */
export type Ino = Branded<'Ino'>;
/** Nanoseconds; exact up to 2^53 (104 days). */
export type Nanos = Branded<'Nanos'>;
/** A count of bytes, an integer in [0, 2^53). */
export type ByteCount = Branded<'ByteCount'>;
