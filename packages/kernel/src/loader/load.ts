// execve(2): from a path to a new address space that is ready to run. Nothing of the caller changes here; Linux gives up the old program
// half-way and kills it when the rest fails, while here the old one simply goes on with the error.
import {
  ADDR_NO_RANDOMIZE,
  AT_BASE,
  AT_CLKTCK,
  AT_EGID,
  AT_ENTRY,
  AT_EUID,
  AT_FLAGS,
  AT_GID,
  AT_HWCAP,
  AT_HWCAP2,
  AT_MINSIGSTKSZ,
  AT_PAGESZ,
  AT_PHDR,
  AT_PHENT,
  AT_PHNUM,
  AT_SECURE,
  AT_SYSINFO_EHDR,
  AT_UID,
  ELF64_PHDR_SIZE,
  ELIBBAD,
  ELOOP,
  ENOENT,
  ENOEXEC,
  ENOMEM,
  HWCAP2_FSGSBASE,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_GROWSDOWN,
  MAP_PRIVATE,
  MAP_STACK,
  PROT_EXEC,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
  RLIMIT_STACK,
} from '@sandbox-kernel/abi';
import { chooseLayout, MemoryManager } from '@sandbox-kernel/mm';
import type { FileDescription } from '@sandbox-kernel/vfs';
import { leastSignalStack } from '../signal/frame.js';
import type { Task } from '../task.js';
import { checkArguments, stringBytes } from './argument-limits.js';
import {
  type ElfProgram,
  interpreterPath,
  largestAlign,
  looksLikeElf,
  parseElfHeader,
  parseElfProgram,
} from './elf.js';
import { writeInitialStack } from './initial-stack.js';
import { mapElf } from './map-elf.js';
import { mappableOf, readProgram } from './program-files.js';
import { HEAD_BYTES, isScript, MOST_INTERPRETERS, parseScriptLine } from './script.js';

const PAGE = 4096;
/** Mapped below the strings at once; the rest of the stack grows on demand. */
const INITIAL_STACK = 132 * 1024;
const CLOCK_TICKS = 100;
const AT_FDCWD = -100;

export interface ExecRequest {
  readonly dirfd: number;
  /** As given: latin1. Also AT_EXECFN and the source of comm. */
  readonly path: string;
  readonly argv: readonly string[];
  readonly envp: readonly string[];
  /** AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW. */
  readonly flags: number;
}

/** What the credentials of the new program say in the auxiliary vector. */
export interface ExecIdentity {
  readonly uid: number;
  readonly euid: number;
  readonly gid: number;
  readonly egid: number;
  readonly secure: boolean;
}

/** A program whose file is open and whose kind is known; scripts are resolved. */
export class PreparedProgram {
  file: FileDescription;
  readonly execPath: string;
  /** What the thread's name is taken from: the path, or the file's own name when it came as a descriptor. */
  readonly commName: string;
  argv: string[];
  readonly envp: readonly string[];
  readonly head: Uint8Array;
  headLength: number;

  constructor(file: FileDescription, request: ExecRequest) {
    this.file = file;
    this.execPath = execName(request);
    this.commName = request.path === '' ? (file.dentry?.name ?? '') : request.path;
    this.argv = request.argv.length === 0 ? [''] : [...request.argv];
    this.envp = request.envp;
    this.head = new Uint8Array(HEAD_BYTES);
    this.headLength = 0;
  }
}

/** The new address space and where to start in it. */
export interface LoadedProgram {
  readonly memory: MemoryManager;
  readonly entry: number;
  readonly stackPointer: number;
  readonly auxv: Uint8Array;
}

/** Opens the file, follows `#!` lines, checks the argument limits. Null arguments of -errno. */
export function prepareProgram(task: Task, request: ExecRequest): PreparedProgram | number {
  const programs = task.kernel.programs;
  const opened = programs.open(task, request.dirfd, request.path, request.flags);
  if (typeof opened === 'number') return opened;
  const prepared = new PreparedProgram(opened, request);
  const result = checkSizes(task, prepared) || followScripts(task, prepared, request);
  if (result === 0) return prepared;
  programs.close(prepared.file);
  return result;
}

function checkSizes(task: Task, prepared: PreparedProgram): number {
  const { argv, envp } = prepared;
  const bytes = stringBytes(argv) + stringBytes(envp) + prepared.execPath.length + 1;
  return checkArguments(bytes, argv.length, envp.length, task.group.limits.soft[RLIMIT_STACK]!);
}

function followScripts(task: Task, prepared: PreparedProgram, request: ExecRequest): number {
  let name = prepared.execPath;
  for (let depth = 0; ; depth++) {
    const got = readProgram(prepared.file, 0, prepared.head, HEAD_BYTES);
    if (got < 0) return got;
    prepared.headLength = got;
    prepared.head.fill(0, got);
    if (!isScript(prepared.head, got)) return looksLikeElf(prepared.head, got) ? 0 : -ENOEXEC;
    if (depth >= MOST_INTERPRETERS) return -ELOOP;
    // The interpreter could not open a descriptor that execve closes.
    if (name.startsWith('/dev/fd/') && task.files.closesOnExec(request.dirfd) === 1) return -ENOENT;
    const line = parseScriptLine(prepared.head, got);
    if (typeof line === 'number') return line;
    prepared.argv.splice(
      0,
      1,
      ...(line.argument === null ? [line.interpreter] : [line.interpreter, line.argument]),
      name,
    );
    name = line.interpreter;
    const next = task.kernel.programs.open(task, AT_FDCWD, line.interpreter, 0);
    if (typeof next === 'number') return next;
    task.kernel.programs.close(prepared.file);
    prepared.file = next;
    const tooBig = checkSizes(task, prepared);
    if (tooBig !== 0) return tooBig;
  }
}

/** AT_EXECFN, and what a script's interpreter is given to open (execveat(2): /dev/fd/N/path when relative to a descriptor). */
function execName(request: ExecRequest): string {
  if (request.dirfd === AT_FDCWD || request.path.startsWith('/')) return request.path;
  return request.path === '' ? `/dev/fd/${request.dirfd}` : `/dev/fd/${request.dirfd}/${request.path}`;
}

/** Builds the address space. -errno leaves nothing behind. */
export function loadProgram(
  task: Task,
  prepared: PreparedProgram,
  identity: ExecIdentity,
): LoadedProgram | number {
  const program = readElf(task, prepared.file, prepared.head, prepared.headLength);
  if (typeof program === 'number') return program;
  const interpreter = openInterpreter(task, prepared, program);
  if (typeof interpreter === 'number') return interpreter;
  const memory = freshMemory(task, task.personality);
  if (memory === null) {
    closeInterpreter(task, interpreter);
    return -ENOMEM;
  }
  const loaded = fill(task, memory, prepared, program, interpreter, identity);
  closeInterpreter(task, interpreter);
  if (typeof loaded === 'number') memory.destroy();
  return loaded;
}

interface Interpreter {
  readonly file: FileDescription;
  readonly program: ElfProgram;
}

function closeInterpreter(task: Task, interpreter: Interpreter | null): void {
  if (interpreter !== null) task.kernel.programs.close(interpreter.file);
}

function readElf(task: Task, file: FileDescription, head: Uint8Array, length: number): ElfProgram | number {
  const header = parseElfHeader(head, length);
  if (typeof header === 'number') return header;
  const size = header.phCount * ELF64_PHDR_SIZE;
  const table = new Uint8Array(size);
  const got = readProgram(file, header.phOffset, table, size);
  if (got < size) return got < 0 ? got : -ENOEXEC;
  return parseElfProgram(header, table, task.kernel.platform.features.addressLimit);
}

function openInterpreter(
  task: Task,
  prepared: PreparedProgram,
  program: ElfProgram,
): Interpreter | null | number {
  const length = program.interpreterLength;
  if (length === 0) return null;
  const bytes = new Uint8Array(length);
  const got = readProgram(prepared.file, program.interpreterOffset, bytes, length);
  const path = got < 0 ? got : interpreterPath(bytes, got, length);
  if (typeof path === 'number') return path;
  const file = task.kernel.programs.open(task, AT_FDCWD, path, 0);
  if (typeof file === 'number') return file;
  const head = new Uint8Array(HEAD_BYTES);
  const count = readProgram(file, 0, head, HEAD_BYTES);
  const parsed = count < 0 ? count : readElf(task, file, head, count);
  if (typeof parsed !== 'number') return { file, program: parsed };
  task.kernel.programs.close(file);
  return parsed === -ENOEXEC ? -ELIBBAD : parsed;
}

function freshMemory(task: Task, personality: number): MemoryManager | null {
  const kernel = task.kernel;
  const space = kernel.platform.createAddressSpace(null);
  if (space === null) return null;
  const features = kernel.platform.features;
  const layout = chooseLayout({
    random: kernel.random,
    stackLimit: task.group.limits.soft[RLIMIT_STACK]!,
    addressLimit: features.addressLimit,
    addressMinimum: features.addressMinimum,
    personality,
  });
  return new MemoryManager({
    file: kernel.memoryFile,
    space,
    random: kernel.random,
    layout,
    limits: task.memoryLimits,
  });
}

function fill(
  task: Task,
  memory: MemoryManager,
  prepared: PreparedProgram,
  program: ElfProgram,
  interpreter: Interpreter | null,
  identity: ExecIdentity,
): LoadedProgram | number {
  const lowest = mapElf(memory, program, mappableOf(prepared.file), mainBase(memory, program, interpreter));
  if (lowest < 0) return lowest;
  const bias = lowest - program.low;
  let base = 0;
  let entry = program.header.entry + bias;
  if (interpreter !== null) {
    base = mapElf(memory, interpreter.program, mappableOf(interpreter.file), 0);
    if (base < 0) return base;
    entry = interpreter.program.header.entry + base - interpreter.program.low;
  }
  setBounds(memory, program, bias, interpreter === null);
  const vdso = mapVdso(task, memory);
  if (vdso < 0) return vdso;
  const stack = mapStack(memory, prepared, program);
  if (stack < 0) return stack;
  const auxv = auxiliaryVector(task, program, bias, base, vdso, identity);
  return finish(task, memory, prepared, entry, auxv);
}

function finish(
  task: Task,
  memory: MemoryManager,
  prepared: PreparedProgram,
  entry: number,
  auxv: readonly number[],
): LoadedProgram | number {
  const out = { bytes: new Uint8Array(0) };
  const stackPointer = writeInitialStack(
    memory,
    {
      argv: prepared.argv,
      envp: prepared.envp,
      path: prepared.execPath,
      auxv,
      random: task.kernel.random,
      top: memory.layout.stackTop,
      shift: memory.layout.randomize ? randomBelow(task, 8192) : 0,
    },
    out,
  );
  return stackPointer < 0 ? stackPointer : { memory, entry, stackPointer, auxv: out.bytes };
}

/** Position-independent programs with an interpreter go to the PIE area; others (the dynamic linker itself) among the mappings. */
function mainBase(memory: MemoryManager, program: ElfProgram, interpreter: Interpreter | null): number {
  if (!program.header.dynamic || interpreter === null) return 0;
  const align = largestAlign(program);
  const base = memory.layout.pieBase;
  return base - (base % align);
}

function setBounds(memory: MemoryManager, program: ElfProgram, bias: number, alone: boolean): void {
  let code = Infinity;
  let codeEnd = 0;
  let data = 0;
  let dataEnd = 0;
  for (const segment of program.segments) {
    const start = segment.address + bias;
    const end = start + segment.fileSize;
    if ((segment.prot & PROT_EXEC) !== 0) {
      code = Math.min(code, start);
      codeEnd = Math.max(codeEnd, end);
    }
    data = Math.max(data, start);
    dataEnd = Math.max(dataEnd, end);
  }
  memory.startCode = code === Infinity ? 0 : code;
  memory.endCode = codeEnd;
  memory.startData = data;
  memory.endData = dataEnd;
  const end = program.high + bias;
  // A static PIE or a loader run by hand stands among the mappings, where there is no room above it: its heap goes to the PIE area.
  const heap = alone && program.header.dynamic ? memory.layout.pieBase : end;
  memory.setBrkStart(heap + (heap % PAGE === 0 ? 0 : PAGE - (heap % PAGE)) + memory.layout.brkOffset);
}

function mapVdso(task: Task, memory: MemoryManager): number {
  const image = task.kernel.options.vdso ?? null;
  if (image === null) return 0;
  const total = image.size + image.dataSize;
  const at = memory.mmap(0, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, null, 0);
  if (at < 0) return at;
  memory.munmap(at, total);
  if (image.dataSize > 0) {
    const data = memory.mapSpecial(at, image.dataSize, PROT_READ, image.dataOffset, '[vvar]');
    if (data < 0) return data;
  }
  const code = at + image.dataSize;
  const mapped = memory.mapSpecial(code, image.size, PROT_READ | PROT_EXEC, image.offset, '[vdso]');
  return mapped < 0 ? mapped : code;
}

function mapStack(memory: MemoryManager, prepared: PreparedProgram, program: ElfProgram): number {
  const strings =
    stringBytes(prepared.argv) +
    stringBytes(prepared.envp) +
    (prepared.argv.length + prepared.envp.length) * 8;
  const wanted = strings + INITIAL_STACK;
  const size = wanted + PAGE - (wanted % PAGE);
  const top = memory.layout.stackTop;
  memory.startStack = top - 8;
  const prot = PROT_READ | PROT_WRITE | (program.executableStack ? PROT_EXEC : 0);
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN | MAP_STACK;
  return memory.mmap(top - size, size, prot, flags, null, 0);
}

function auxiliaryVector(
  task: Task,
  program: ElfProgram,
  bias: number,
  base: number,
  vdso: number,
  identity: ExecIdentity,
): number[] {
  const features = task.kernel.platform.features;
  const headers = program.headerAddress === 0 ? 0 : program.headerAddress + bias;
  const vector = vdso === 0 ? [] : [AT_SYSINFO_EHDR, vdso];
  vector.push(
    AT_MINSIGSTKSZ,
    leastSignalStack(features.dynamicFpuSize),
    AT_HWCAP,
    task.kernel.options.hwcap ?? 0,
    AT_PAGESZ,
    PAGE,
    AT_CLKTCK,
    CLOCK_TICKS,
    AT_PHDR,
    headers,
    AT_PHENT,
    ELF64_PHDR_SIZE,
    AT_PHNUM,
    program.header.phCount,
    AT_BASE,
    base,
    AT_FLAGS,
    0,
    AT_ENTRY,
    program.header.entry + bias,
    AT_UID,
    identity.uid,
    AT_EUID,
    identity.euid,
    AT_GID,
    identity.gid,
    AT_EGID,
    identity.egid,
    AT_SECURE,
    identity.secure ? 1 : 0,
    AT_HWCAP2,
    features.fsgsbase ? HWCAP2_FSGSBASE : 0,
  );
  return vector;
}

function randomBelow(task: Task, limit: number): number {
  if ((task.personality & ADDR_NO_RANDOMIZE) !== 0) return 0;
  const bytes = new Uint8Array(4);
  task.kernel.random.fill(bytes, 0, 4);
  return new DataView(bytes.buffer).getUint32(0, true) % limit;
}
