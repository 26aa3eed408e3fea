import { expectTypeOf, it } from 'vitest';
import type {
  Addr,
  ByteCount,
  Fd,
  Ino,
  Nanos,
  Pid,
  STAT_LAYOUT,
  TERMIOS_LAYOUT,
  Tid,
} from '../../src/index.js';

it('keeps kinds of numbers apart', () => {
  expectTypeOf<Pid>().not.toExtend<Tid>();
  expectTypeOf<Fd>().not.toExtend<Pid>();
  expectTypeOf<Addr>().not.toExtend<ByteCount>();
  expectTypeOf<Ino>().not.toExtend<Nanos>();
});

it('takes no raw number where a kind is wanted, but gives one where a number is', () => {
  expectTypeOf<number>().not.toExtend<Addr>();
  expectTypeOf<number>().not.toExtend<Fd>();
  expectTypeOf<Addr>().toExtend<number>();
});

it('types the fields of a layout', () => {
  type Decoded = ReturnType<(typeof TERMIOS_LAYOUT)['decode']>;
  expectTypeOf<Decoded['c_cc']>().toEqualTypeOf<Uint8Array>();
  expectTypeOf<Decoded['c_iflag']>().toEqualTypeOf<number>();
  type Name = Parameters<(typeof STAT_LAYOUT)['get']>[2];
  expectTypeOf<'st_mode'>().toExtend<Name>();
  expectTypeOf<'st_nope'>().not.toExtend<Name>();
});
