import { describe, expect, it } from 'vitest';
import {
  getBigU64,
  getI64,
  getU64,
  hasFlag64,
  highWord,
  joinWords,
  lowWord,
  pageBase,
  pageRoundUp,
  RLIM_INFINITY,
  RLIMIT_LAYOUT,
  STAT_LAYOUT,
  STAT_SIZE,
  set64,
  TERMIOS_LAYOUT,
} from '../../src/index.js';

const fresh = (size: number): DataView => new DataView(new ArrayBuffer(size));

describe('64-bit numbers', () => {
  it('stores negative values in two’s complement', () => {
    const view = fresh(8);
    set64(view, 0, -1);
    expect(getBigU64(view, 0)).toBe(0xffffffffffffffffn);
    set64(view, 0, -4294967297);
    expect(getI64(view, 0)).toBe(-4294967297);
  });

  it('stores 2^64 as all ones and reads it back as 2^64', () => {
    const view = fresh(16);
    RLIMIT_LAYOUT.encode(view, 0, { rlim_cur: RLIM_INFINITY, rlim_max: 7 });
    expect(getBigU64(view, 0)).toBe(0xffffffffffffffffn);
    expect(RLIMIT_LAYOUT.get(view, 0, 'rlim_cur')).toBe(RLIM_INFINITY);
  });

  it('splits, joins and tests bits above 31', () => {
    const flags = 0x300000100;
    expect([lowWord(flags), highWord(flags), joinWords(0x100, 3)]).toEqual([0x100, 3, flags]);
    expect([hasFlag64(flags, 0x100000000), hasFlag64(flags, 0x400000000), hasFlag64(flags, 0x100)]).toEqual([
      true,
      false,
      true,
    ]);
    expect(getU64(fresh(8), 0)).toBe(0);
  });

  it('rounds addresses above 4 GiB to pages', () => {
    expect(pageBase(0x7fff_1234_5fff)).toBe(0x7fff_1234_5000);
    expect(pageRoundUp(0x7fff_1234_5001)).toBe(0x7fff_1234_6000);
    expect(pageRoundUp(0x7fff_1234_5000)).toBe(0x7fff_1234_5000);
  });
});

describe('StructLayout', () => {
  it('stores only the named fields, at their offsets', () => {
    const view = fresh(STAT_SIZE + 3);
    new Uint8Array(view.buffer).fill(0xee);
    STAT_LAYOUT.encode(view, 3, { st_mode: 0o100644, st_size: -2 });
    expect(view.getUint32(3 + 24, true)).toBe(0o100644);
    expect(STAT_LAYOUT.decode(view, 3).st_size).toBe(-2);
    expect(STAT_LAYOUT.get(view, 3, 'st_uid')).toBe(0xeeeeeeee);
  });

  it('copies byte fields and cuts what is too long', () => {
    const view = fresh(36);
    TERMIOS_LAYOUT.encode(view, 0, { c_cc: new Uint8Array(30).fill(7) });
    const decoded = TERMIOS_LAYOUT.decode(view, 0).c_cc;
    view.setUint8(17, 9);
    expect([...decoded]).toEqual(new Array(19).fill(7));
  });
});
