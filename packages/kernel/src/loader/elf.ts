// ELF headers as execve(2) reads them (elf(5)): validated values from hostile bytes. Errors as Linux's binfmt_elf gives them.
import {
  EINVAL,
  EIO,
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
  ELF64_PHDR_P_TYPE,
  ELF64_PHDR_P_VADDR,
  ELF64_PHDR_SIZE,
  ELFCLASS64,
  ELFDATA2LSB,
  EM_X86_64,
  ENOEXEC,
  ET_DYN,
  ET_EXEC,
  getU64,
  PF_R,
  PF_W,
  PF_X,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  PT_GNU_STACK,
  PT_INTERP,
} from '@sandbox-kernel/abi';

/** A segment to load. */
export const PT_LOAD = 1;
/** Linux reads at most this many bytes of program headers. */
const MOST_HEADER_BYTES = 65536;
const PATH_MAX = 4096;
const PAGE = 4096;

export interface ElfSegment {
  readonly address: number;
  readonly offset: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly prot: number;
  readonly align: number;
}

export interface ElfHeader {
  /** Position-independent. */
  readonly dynamic: boolean;
  readonly entry: number;
  readonly phOffset: number;
  readonly phCount: number;
}

export interface ElfProgram {
  readonly header: ElfHeader;
  /** In the file's order. */
  readonly segments: readonly ElfSegment[];
  /** File range of the interpreter's path; length 0 for none. */
  readonly interpreterOffset: number;
  readonly interpreterLength: number;
  readonly executableStack: boolean;
  /** Lowest page and one past the highest byte of all segments. */
  readonly low: number;
  readonly high: number;
  /** Address (unbiased) where the program headers get mapped, or 0. */
  readonly headerAddress: number;
}

export function looksLikeElf(bytes: Uint8Array, length: number): boolean {
  return length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/** The file header, or -ENOEXEC. */
export function parseElfHeader(bytes: Uint8Array, length: number): ElfHeader | number {
  if (length < ELF64_EHDR_SIZE || !looksLikeElf(bytes, length)) return -ENOEXEC;
  if (bytes[4] !== ELFCLASS64 || bytes[5] !== ELFDATA2LSB) return -ENOEXEC;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const type = view.getUint16(ELF64_EHDR_E_TYPE, true);
  if (type !== ET_EXEC && type !== ET_DYN) return -ENOEXEC;
  if (view.getUint16(ELF64_EHDR_E_MACHINE, true) !== EM_X86_64) return -ENOEXEC;
  if (view.getUint16(ELF64_EHDR_E_PHENTSIZE, true) !== ELF64_PHDR_SIZE) return -ENOEXEC;
  const count = view.getUint16(ELF64_EHDR_E_PHNUM, true);
  if (count < 1 || count * ELF64_PHDR_SIZE > MOST_HEADER_BYTES) return -ENOEXEC;
  const offset = getU64(view, ELF64_EHDR_E_PHOFF);
  if (offset > 2 ** 52) return -ENOEXEC;
  return {
    dynamic: type === ET_DYN,
    entry: getU64(view, ELF64_EHDR_E_ENTRY),
    phOffset: offset,
    phCount: count,
  };
}

/** Everything that loading needs to know, or -errno. `table` holds the program headers. Pre: of `header.phCount` entries. */
export function parseElfProgram(header: ElfHeader, table: Uint8Array, limit: number): ElfProgram | number {
  const view = new DataView(table.buffer, table.byteOffset, header.phCount * ELF64_PHDR_SIZE);
  const segments: ElfSegment[] = [];
  let interpreterOffset = 0;
  let interpreterLength = 0;
  let executableStack = false;
  for (let i = 0; i < header.phCount; i++) {
    const at = i * ELF64_PHDR_SIZE;
    const type = view.getUint32(at + ELF64_PHDR_P_TYPE, true);
    if (type === PT_LOAD) {
      const segment = parseSegment(view, at, limit);
      if (typeof segment === 'number') return segment;
      segments.push(segment);
    } else if (type === PT_INTERP && interpreterLength === 0) {
      interpreterOffset = getU64(view, at + ELF64_PHDR_P_OFFSET);
      interpreterLength = getU64(view, at + ELF64_PHDR_P_FILESZ);
      if (interpreterLength > PATH_MAX || interpreterLength < 2 || interpreterOffset > 2 ** 52)
        return -ENOEXEC;
    } else if (type === PT_GNU_STACK)
      executableStack = (view.getUint32(at + ELF64_PHDR_P_FLAGS, true) & PF_X) !== 0;
  }
  if (segments.length === 0) return -EINVAL;
  return {
    header,
    segments,
    interpreterOffset,
    interpreterLength,
    executableStack,
    low: lowest(segments),
    high: highest(segments),
    headerAddress: headersIn(segments, header.phOffset),
  };
}

function parseSegment(view: DataView, at: number, limit: number): ElfSegment | number {
  const address = getU64(view, at + ELF64_PHDR_P_VADDR);
  const offset = getU64(view, at + ELF64_PHDR_P_OFFSET);
  const fileSize = getU64(view, at + ELF64_PHDR_P_FILESZ);
  const memorySize = getU64(view, at + ELF64_PHDR_P_MEMSZ);
  if (fileSize > memorySize || memorySize > limit || address > limit || address + memorySize > limit)
    return -EINVAL;
  if (offset > 2 ** 52) return -EINVAL;
  if (fileSize > 0 && offset % PAGE !== address % PAGE) return -EINVAL;
  const flags = view.getUint32(at + ELF64_PHDR_P_FLAGS, true);
  const align = getU64(view, at + ELF64_PHDR_P_ALIGN);
  return { address, offset, fileSize, memorySize, prot: protection(flags), align: usableAlign(align) };
}

/** Alignments that are no power of two are left out of account, as in Linux. */
function usableAlign(align: number): number {
  if (align < PAGE || align > 2 ** 40) return PAGE;
  return Number.isInteger(Math.log2(align)) ? align : PAGE;
}

function protection(flags: number): number {
  let prot = 0;
  if ((flags & PF_R) !== 0) prot |= PROT_READ;
  if ((flags & PF_W) !== 0) prot |= PROT_WRITE;
  if ((flags & PF_X) !== 0) prot |= PROT_EXEC;
  return prot;
}

function lowest(segments: readonly ElfSegment[]): number {
  let low = Infinity;
  for (const segment of segments) low = Math.min(low, segment.address - (segment.address % PAGE));
  return low;
}

function highest(segments: readonly ElfSegment[]): number {
  let high = 0;
  for (const segment of segments) high = Math.max(high, segment.address + segment.memorySize);
  return high;
}

function headersIn(segments: readonly ElfSegment[], phOffset: number): number {
  for (const segment of segments) {
    if (segment.offset <= phOffset && phOffset < segment.offset + segment.fileSize) {
      return phOffset - segment.offset + segment.address;
    }
  }
  return 0;
}

/** The largest alignment that a segment asks for. */
export function largestAlign(program: ElfProgram): number {
  let align = PAGE;
  for (const segment of program.segments) align = Math.max(align, segment.align);
  return align;
}

/** The interpreter's path from its bytes: -ENOEXEC without a NUL at the end, -EIO when the file was too short. */
export function interpreterPath(bytes: Uint8Array, got: number, length: number): string | number {
  if (got < length) return -EIO;
  if (bytes[length - 1] !== 0) return -ENOEXEC;
  let path = '';
  for (let i = 0; i < length && bytes[i] !== 0; i++) path += String.fromCharCode(bytes[i]!);
  return path;
}
