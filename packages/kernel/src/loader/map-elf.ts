// Maps an ELF file's segments into a fresh address space (elf(5), Linux's elf_load): file pages, zeroed tail of the last page, and
// anonymous pages for the rest of .bss.
import {
  EINVAL,
  ENOMEM,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_PRIVATE,
  PROT_NONE,
  PROT_WRITE,
} from '@sandbox-kernel/abi';
import type { Mappable } from '@sandbox-kernel/contracts';
import type { MappedFile, MemoryManager } from '@sandbox-kernel/mm';
import type { ElfProgram, ElfSegment } from './elf.js';

const PAGE = 4096;

class ProgramMapping implements MappedFile {
  readonly mappable: Mappable | null;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly appendOnly: boolean;
  readonly noexec: boolean;

  constructor(mappable: Mappable | null) {
    this.mappable = mappable;
    this.readable = true;
    this.writable = false;
    this.appendOnly = false;
    this.noexec = false;
  }
}

/**
 * Maps all segments. `base`: wanted address of the lowest page of a position-independent file, 0 for the kernel's choice; ignored
 * otherwise. Returns the address of the lowest page or -errno. What all addresses of the file move by is this minus `program.low`: below
 * zero for a file that wants to lie above.
 */
export function mapElf(
  memory: MemoryManager,
  program: ElfProgram,
  mappable: Mappable | null,
  base: number,
): number {
  if (mappable === null) return -ENOMEM;
  const span = pageUp(program.high) - program.low;
  const lowest = program.header.dynamic ? chooseBase(memory, span, base) : program.low;
  if (lowest < 0) return lowest;
  const file = new ProgramMapping(mappable);
  for (const segment of program.segments) {
    const failed = mapSegment(memory, segment, file, lowest - program.low);
    if (failed < 0) return failed;
  }
  return lowest;
}

function chooseBase(memory: MemoryManager, span: number, base: number): number {
  if (base !== 0) return base;
  const found = memory.mmap(0, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, null, 0);
  if (found < 0) return found;
  const freed = memory.munmap(found, span);
  return freed < 0 ? freed : found;
}

function mapSegment(memory: MemoryManager, segment: ElfSegment, file: MappedFile, bias: number): number {
  const address = segment.address + bias;
  const start = address - (address % PAGE);
  const fileEnd = address + segment.fileSize;
  const end = address + segment.memorySize;
  if (end > memory.layout.addressLimit || start < 0) return -EINVAL;
  if (segment.fileSize > 0) {
    const offset = segment.offset - (address % PAGE);
    const mapped = memory.mmap(
      start,
      pageUp(fileEnd) - start,
      segment.prot,
      MAP_PRIVATE | MAP_FIXED_NOREPLACE,
      file,
      offset,
    );
    if (mapped < 0) return mapped;
  }
  if (end <= fileEnd) return 0;
  return addZeros(memory, segment, start, fileEnd, end);
}

function addZeros(
  memory: MemoryManager,
  segment: ElfSegment,
  start: number,
  fileEnd: number,
  end: number,
): number {
  const from = segment.fileSize > 0 ? pageUp(fileEnd) : start;
  // What the last page of the file holds beyond the data is not the program's; a segment that can't be written keeps it, as in Linux.
  if (segment.fileSize > 0 && (segment.prot & PROT_WRITE) !== 0) memory.zeroOut(fileEnd, from - fileEnd);
  if (pageUp(end) <= from) return 0;
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  const mapped = memory.mmap(from, pageUp(end) - from, segment.prot, flags, null, 0);
  return mapped < 0 ? mapped : 0;
}

function pageUp(value: number): number {
  const rest = value % PAGE;
  return rest === 0 ? value : value + PAGE - rest;
}
