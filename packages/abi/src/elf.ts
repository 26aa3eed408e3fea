// Reads ELF files (elf(5), System V ABI, x86-64 supplement): a header and program headers as checked values.
// The bytes are a program's: hostile input gives a negative errno, never an exception. The order and the limits of the
// checks are execve(2)'s (ENOEXEC for what is no ELF file of ours, 64 KiB of program headers).
import { TASK_SIZE } from './address-space.js';
import {
  EI_CLASS,
  EI_DATA,
  EI_VERSION,
  ELF64_EHDR_E_ENTRY,
  ELF64_EHDR_E_MACHINE,
  ELF64_EHDR_E_PHENTSIZE,
  ELF64_EHDR_E_PHNUM,
  ELF64_EHDR_E_PHOFF,
  ELF64_EHDR_E_TYPE,
  ELF64_EHDR_SIZE,
  ELF64_PHDR_P_ALIGN,
  ELF64_PHDR_P_FILESZ,
  ELF64_PHDR_P_FLAGS,
  ELF64_PHDR_P_MEMSZ,
  ELF64_PHDR_P_OFFSET,
  ELF64_PHDR_P_PADDR,
  ELF64_PHDR_P_TYPE,
  ELF64_PHDR_P_VADDR,
  ELF64_PHDR_SIZE,
  ELFCLASS64,
  ELFDATA2LSB,
  EM_X86_64,
  ET_DYN,
  ET_EXEC,
  EV_CURRENT,
  PT_INTERP,
  PT_LOAD,
} from './elf-constants.js';
import { EINVAL, EIO, ENOEXEC } from './errno.js';
import { getU64 } from './layout.js';
import { PATH_MAX } from './limits.js';

/** Largest program header table that execve(2) takes. */
export const ELF_MAX_PHDR_BYTES = 65536;

export interface ElfHeader {
  /** ET_EXEC or ET_DYN. */
  readonly type: number;
  /** e_entry; not checked against any segment, as on Linux. */
  readonly entry: number;
  readonly programHeaderOffset: number;
  /** At least 1; `programHeaderCount * 56` is at most ELF_MAX_PHDR_BYTES. */
  readonly programHeaderCount: number;
}

export interface ProgramHeader {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly virtualAddress: number;
  readonly physicalAddress: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly alignment: number;
}

function hasElfMagic(view: DataView): boolean {
  return view.byteLength >= ELF64_EHDR_SIZE && view.getUint32(0, false) === 0x7f454c46;
}

/** The header at the start of a file. -ENOEXEC: not an x86-64 executable or shared object. */
export function parseElfHeader(view: DataView): ElfHeader | number {
  if (!hasElfMagic(view)) return -ENOEXEC;
  if (view.getUint8(EI_CLASS) !== ELFCLASS64) return -ENOEXEC;
  if (view.getUint8(EI_DATA) !== ELFDATA2LSB) return -ENOEXEC;
  if (view.getUint8(EI_VERSION) !== EV_CURRENT) return -ENOEXEC;
  const type = view.getUint16(ELF64_EHDR_E_TYPE, true);
  if (type !== ET_EXEC && type !== ET_DYN) return -ENOEXEC;
  if (view.getUint16(ELF64_EHDR_E_MACHINE, true) !== EM_X86_64) return -ENOEXEC;
  if (view.getUint16(ELF64_EHDR_E_PHENTSIZE, true) !== ELF64_PHDR_SIZE) return -ENOEXEC;
  const programHeaderCount = view.getUint16(ELF64_EHDR_E_PHNUM, true);
  if (programHeaderCount === 0) return -ENOEXEC;
  if (programHeaderCount * ELF64_PHDR_SIZE > ELF_MAX_PHDR_BYTES) return -ENOEXEC;
  const programHeaderOffset = getU64(view, ELF64_EHDR_E_PHOFF);
  if (programHeaderOffset > Number.MAX_SAFE_INTEGER - ELF_MAX_PHDR_BYTES) return -ENOEXEC;
  return { type, entry: getU64(view, ELF64_EHDR_E_ENTRY), programHeaderOffset, programHeaderCount };
}

function parseProgramHeader(view: DataView, at: number): ProgramHeader {
  return {
    type: view.getUint32(at + ELF64_PHDR_P_TYPE, true),
    flags: view.getUint32(at + ELF64_PHDR_P_FLAGS, true),
    offset: getU64(view, at + ELF64_PHDR_P_OFFSET),
    virtualAddress: getU64(view, at + ELF64_PHDR_P_VADDR),
    physicalAddress: getU64(view, at + ELF64_PHDR_P_PADDR),
    fileSize: getU64(view, at + ELF64_PHDR_P_FILESZ),
    memorySize: getU64(view, at + ELF64_PHDR_P_MEMSZ),
    alignment: getU64(view, at + ELF64_PHDR_P_ALIGN),
  };
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}

/** 0, or the errno with which execve(2) refuses the segment. */
function checkSegment(segment: ProgramHeader): number {
  if (segment.type === PT_INTERP) {
    if (segment.fileSize > PATH_MAX || segment.fileSize < 2) return -ENOEXEC;
    return segment.offset > Number.MAX_SAFE_INTEGER ? -EIO : 0;
  }
  if (segment.type !== PT_LOAD) return 0;
  if (segment.fileSize > segment.memorySize) return -EINVAL;
  if (segment.memorySize > TASK_SIZE) return -EINVAL;
  if (segment.virtualAddress > TASK_SIZE - segment.memorySize) return -EINVAL;
  if (segment.offset > Number.MAX_SAFE_INTEGER - segment.fileSize) return -EINVAL;
  const sameOffsetInPage = (segment.virtualAddress & 4095) === (segment.offset & 4095);
  return segment.fileSize === 0 || sameOffsetInPage ? 0 : -EINVAL;
}

/**
 * Program headers from a view that starts at `header.programHeaderOffset`. -ENOEXEC: the table is
 * cut short or PT_INTERP is no path. -EINVAL: a PT_LOAD segment that can't be mapped (Linux finds out after the point of
 * no return and kills the program). -EIO: PT_INTERP lies beyond any file.
 */
export function parseProgramHeaders(view: DataView, header: ElfHeader): ProgramHeader[] | number {
  if (view.byteLength < header.programHeaderCount * ELF64_PHDR_SIZE) return -ENOEXEC;
  const out: ProgramHeader[] = [];
  for (let i = 0; i < header.programHeaderCount; i++) {
    const segment = parseProgramHeader(view, i * ELF64_PHDR_SIZE);
    const error = checkSegment(segment);
    if (error !== 0) return error;
    out.push(segment);
  }
  return out;
}

/** Largest p_align of the PT_LOAD segments that is a power of two; at least a page. What a position-independent program is aligned to. */
export function loadAlignment(segments: readonly ProgramHeader[]): number {
  let alignment = 4096;
  for (const segment of segments) {
    if (segment.type === PT_LOAD && isPowerOfTwo(segment.alignment)) {
      alignment = Math.max(alignment, segment.alignment);
    }
  }
  return Math.min(alignment, 2 ** 46);
}

/** Bytes from the first page of the PT_LOAD segments to the end of the last; 0 when there is none. */
export function loadSpan(segments: readonly ProgramHeader[]): number {
  let first = Number.POSITIVE_INFINITY;
  let end = 0;
  for (const segment of segments) {
    if (segment.type !== PT_LOAD) continue;
    first = Math.min(first, segment.virtualAddress - (segment.virtualAddress & 4095));
    end = Math.max(end, segment.virtualAddress + segment.memorySize);
  }
  return end === 0 ? 0 : end - first;
}
