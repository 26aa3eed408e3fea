import {
  DT_HASH,
  DT_JMPREL,
  DT_NEEDED,
  DT_REL,
  DT_RELA,
  DT_SONAME,
  DT_STRTAB,
  DT_SYMTAB,
  DT_TEXTREL,
  DT_VERDEF,
  DT_VERSYM,
  ELF64_DYN_SIZE,
  ELF64_NHDR_N_TYPE,
  ELF64_SYM_SIZE,
  ELF64_SYM_ST_INFO,
  ELF64_SYM_ST_NAME,
  ELF64_SYM_ST_SHNDX,
  ELF64_SYM_ST_SIZE,
  ELF64_SYM_ST_VALUE,
  ET_DYN,
  NT_GNU_BUILD_ID,
  PF_R,
  PF_W,
  PF_X,
  type ProgramHeader,
  PT_DYNAMIC,
  PT_GNU_EH_FRAME,
  PT_GNU_STACK,
  PT_INTERP,
  PT_LOAD,
  PT_NOTE,
  parseElfHeader,
  parseProgramHeaders,
} from '@sandbox-kernel/abi';
import { openDoor, readVdso } from '@sandbox-kernel/host';
import { expect, it } from 'vitest';

const PLAIN = ['clock_getres', 'clock_gettime', 'getcpu', 'getrandom', 'gettimeofday', 'time'];
const image = readVdso(openDoor()) ?? new Uint8Array(0);
const view = new DataView(image.buffer, image.byteOffset, image.byteLength);

function segments(): ProgramHeader[] {
  const header = parseElfHeader(view);
  if (typeof header === 'number') throw new Error(`header: ${header}`);
  expect(header.type).toBe(ET_DYN);
  const table = new DataView(image.buffer, image.byteOffset + header.programHeaderOffset);
  const parsed = parseProgramHeaders(table, header);
  if (typeof parsed === 'number') throw new Error(`program headers: ${parsed}`);
  return parsed;
}

function only(type: number): ProgramHeader {
  const found = segments().filter((segment) => segment.type === type);
  expect(found.length).toBe(1);
  return found[0] as ProgramHeader;
}

/** Tag to value. Addresses are offsets: the only segment starts at 0. */
function dynamic(): Map<number, number> {
  const { offset, fileSize } = only(PT_DYNAMIC);
  const found = new Map<number, number>();
  for (let at = offset; at < offset + fileSize; at += ELF64_DYN_SIZE)
    found.set(Number(view.getBigUint64(at, true)), Number(view.getBigUint64(at + 8, true)));
  return found;
}

function text(at: number): string {
  return String.fromCharCode(...image.subarray(at, image.indexOf(0, at)));
}

interface Symbol {
  readonly name: string;
  readonly weak: boolean;
  readonly value: number;
  readonly size: number;
  readonly version: number;
}

/** Functions that are defined. */
function functions(): Symbol[] {
  const tags = dynamic();
  const at = (tag: number): number => tags.get(tag) ?? Number.NaN;
  const count = view.getUint32(at(DT_HASH) + 4, true);
  const found: Symbol[] = [];
  for (let i = 1; i < count; i++) {
    const symbol = at(DT_SYMTAB) + i * ELF64_SYM_SIZE;
    const info = view.getUint8(symbol + ELF64_SYM_ST_INFO);
    if ((info & 15) !== 2 || view.getUint16(symbol + ELF64_SYM_ST_SHNDX, true) === 0) continue;
    found.push({
      name: text(at(DT_STRTAB) + view.getUint32(symbol + ELF64_SYM_ST_NAME, true)),
      weak: info >> 4 === 2,
      value: Number(view.getBigUint64(symbol + ELF64_SYM_ST_VALUE, true)),
      size: Number(view.getBigUint64(symbol + ELF64_SYM_ST_SIZE, true)),
      version: view.getUint16(at(DT_VERSYM) + i * 2, true),
    });
  }
  return found;
}

it('is two pages at most, mapped by one segment that is read and executed and never written', () => {
  const load = only(PT_LOAD);
  expect([load.flags, load.offset, load.virtualAddress]).toEqual([PF_R | PF_X, 0, 0]);
  expect(load.memorySize).toBe(load.fileSize);
  expect(image.length).toBeLessThanOrEqual(8192);
  for (const segment of segments()) {
    if (segment.type !== PT_GNU_STACK) expect(segment.flags & PF_W).toBe(0);
    expect(segment.type).not.toBe(PT_INTERP);
  }
  expect(only(PT_GNU_STACK).flags & PF_X).toBe(0);
});

it('needs nothing and has nothing to relocate', () => {
  const tags = dynamic();
  for (const tag of [DT_RELA, DT_REL, DT_JMPREL, DT_TEXTREL, DT_NEEDED]) expect(tags.has(tag)).toBe(false);
  expect(text((tags.get(DT_STRTAB) ?? 0) + (tags.get(DT_SONAME) ?? 0))).toBe('linux-vdso.so.1');
});

it('has the six calls under both names, the plain ones weak', () => {
  const found = functions();
  const strong = found.filter((symbol) => !symbol.weak);
  const weak = found.filter((symbol) => symbol.weak);
  expect(strong.map((symbol) => symbol.name).sort()).toEqual(PLAIN.map((name) => `__vdso_${name}`));
  expect(weak.map((symbol) => symbol.name).sort()).toEqual(PLAIN);
  for (const symbol of weak) {
    const same = strong.find((other) => other.name === `__vdso_${symbol.name}`);
    expect([symbol.value, symbol.size]).toEqual([same?.value, same?.size]);
    expect(symbol.size).toBeGreaterThan(0);
  }
});

it('gives every symbol the version LINUX_2.6', () => {
  const tags = dynamic();
  const names = new Map<number, string>();
  for (let at = tags.get(DT_VERDEF) ?? 0, next = 1; next !== 0; at += next) {
    const aux = at + view.getUint32(at + 12, true);
    names.set(view.getUint16(at + 4, true), text((tags.get(DT_STRTAB) ?? 0) + view.getUint32(aux, true)));
    next = view.getUint32(at + 16, true);
  }
  for (const symbol of functions()) expect(names.get(symbol.version & 0x7fff)).toBe('LINUX_2.6');
});

it('can be unwound, and carries a build id', () => {
  expect(only(PT_GNU_EH_FRAME).fileSize).toBeGreaterThan(8);
  const note = only(PT_NOTE);
  expect(view.getUint32(note.offset + ELF64_NHDR_N_TYPE, true)).toBe(NT_GNU_BUILD_ID);
  expect(view.getUint32(note.offset + 4, true)).toBe(20);
});

it('is missing where it was not shipped', () => {
  const door = openDoor();
  const elsewhere = { native: { ...door.native, folder: '/nonexistent' } } as unknown as typeof door;
  expect(readVdso(elsewhere)).toBeNull();
});
