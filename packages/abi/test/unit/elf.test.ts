import { describe, expect, it } from 'vitest';
import {
  EINVAL,
  ELF64_EHDR_LAYOUT,
  ELF64_EHDR_SIZE,
  ELF64_PHDR_LAYOUT,
  ELF64_PHDR_SIZE,
  type ElfHeader,
  EM_386,
  ENOEXEC,
  ET_CORE,
  ET_DYN,
  loadAlignment,
  loadSpan,
  type ProgramHeader,
  PT_INTERP,
  PT_LOAD,
  parseElfHeader,
  parseProgramHeaders,
} from '../../src/index.js';

const IDENT = Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

const GOOD = {
  e_ident: IDENT,
  e_type: ET_DYN,
  e_machine: 62,
  e_version: 1,
  e_entry: 0x1040,
  e_phoff: 64,
  e_ehsize: 64,
  e_phentsize: 56,
  e_phnum: 2,
};

function header(change: Partial<typeof GOOD>): ElfHeader | number {
  const view = new DataView(new ArrayBuffer(ELF64_EHDR_SIZE));
  ELF64_EHDR_LAYOUT.encode(view, 0, { ...GOOD, ...change });
  return parseElfHeader(view);
}

const LOAD = {
  p_type: PT_LOAD,
  p_flags: 5,
  p_offset: 0x1000,
  p_vaddr: 0x401000,
  p_filesz: 0x100,
  p_memsz: 0x200,
  p_align: 0x1000,
};

function segments(...changes: Partial<typeof LOAD>[]): ProgramHeader[] | number {
  const view = new DataView(new ArrayBuffer(ELF64_PHDR_SIZE * changes.length));
  changes.forEach((change, i) => {
    ELF64_PHDR_LAYOUT.encode(view, i * ELF64_PHDR_SIZE, { ...LOAD, ...change });
  });
  const parsed = header({ e_phnum: changes.length });
  return parseProgramHeaders(view, parsed as ElfHeader);
}

describe('parseElfHeader', () => {
  it('gives the fields of a good header', () => {
    expect(header({})).toEqual({
      type: ET_DYN,
      entry: 0x1040,
      programHeaderOffset: 64,
      programHeaderCount: 2,
    });
  });

  it.each([
    ['another magic', { e_ident: IDENT.map((b, i) => (i === 3 ? 0x47 : b)) }],
    ['32-bit class', { e_ident: IDENT.map((b, i) => (i === 4 ? 1 : b)) }],
    ['big-endian data', { e_ident: IDENT.map((b, i) => (i === 5 ? 2 : b)) }],
    ['core file', { e_type: ET_CORE }],
    ['other machine', { e_machine: EM_386 }],
    ['strange program header size', { e_phentsize: 32 }],
    ['no program headers', { e_phnum: 0 }],
    ['over 64 KiB of program headers', { e_phnum: 1171 }],
    ['program headers beyond any file', { e_phoff: 2 ** 64 }],
  ])('refuses %s with ENOEXEC', (_, change) => {
    expect(header(change as Partial<typeof GOOD>)).toBe(-ENOEXEC);
  });

  it('takes the largest table that fits in 64 KiB', () => {
    expect(header({ e_phnum: 1170 })).toMatchObject({ programHeaderCount: 1170 });
  });

  it('refuses a file shorter than a header', () => {
    expect(parseElfHeader(new DataView(IDENT.buffer))).toBe(-ENOEXEC);
  });
});

describe('parseProgramHeaders', () => {
  it('refuses a table that is cut short', () => {
    expect(parseProgramHeaders(new DataView(new ArrayBuffer(100)), header({}) as ElfHeader)).toBe(-ENOEXEC);
  });

  it.each([
    ['more file than memory', { p_filesz: 0x201 }],
    ['a non-canonical address', { p_vaddr: 2 ** 47 + 0x1000 }],
    ['an end beyond user space', { p_vaddr: 2 ** 47 - 4096 - 0x100 - 0xf00, p_memsz: 0x2000 }],
    ['all ones as size', { p_memsz: 2 ** 64 }],
    ['an offset that differs in the page', { p_offset: 0x1001 }],
  ])('refuses a segment with %s', (_, change) => {
    expect(segments(change)).toBe(-EINVAL);
  });

  it('takes any offset for a segment without file bytes', () => {
    expect(segments({ p_offset: 0x123, p_filesz: 0 })).toHaveLength(1);
  });

  it('refuses an interpreter path of one byte or above PATH_MAX', () => {
    expect(segments({ p_type: PT_INTERP, p_filesz: 1 })).toBe(-ENOEXEC);
    expect(segments({ p_type: PT_INTERP, p_filesz: 4097 })).toBe(-ENOEXEC);
  });

  it('measures what the load segments span and how they align', () => {
    const list = segments({}, { p_vaddr: 0x601000, p_memsz: 0x5000, p_align: 0x200000 }) as ProgramHeader[];
    expect(loadSpan(list)).toBe(0x205000);
    expect(loadAlignment(list)).toBe(0x200000);
    expect(loadSpan([])).toBe(0);
  });
});
