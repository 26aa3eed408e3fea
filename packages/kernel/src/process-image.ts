// What threads of one address space share besides the memory itself (the rest of Linux's mm_struct): users, the program
// file, the auxiliary vector for /proc, dumpability, and the freeze that fork needs while it copies.
import { PR_MDWE_NO_INHERIT } from '@sandbox-kernel/abi';
import type { MemoryManager } from '@sandbox-kernel/mm';
import type { FileDescription } from '@sandbox-kernel/vfs';
import type { AioContext } from './aio/aio-context.js';
import type { ProgramFiles } from './loader/program-files.js';
import type { ProcessorSlots } from './rseq.js';
import type { Task } from './task.js';

export const SUID_DUMP_DISABLE = 0;
export const SUID_DUMP_USER = 1;
export const SUID_DUMP_ROOT = 2;

/** What Linux keeps of the auxiliary vector: 28 pairs. */
export const SAVED_AUXV_BYTES = 448;

export class ProcessImage {
  private readonly programs: ProgramFiles;
  readonly memory: MemoryManager;
  /** Tasks that run in it. */
  users: number;
  /** Contexts of it that run guest code now. */
  running: number;
  /** /proc/PID/exe. Owned. */
  executable: FileDescription | null;
  /** Path for error messages, AT_EXECFN. */
  path: string;
  /** As placed on the stack, with zeros behind it: pairs of 8 bytes. Never changed: shared with those that fork made. */
  auxv: Uint8Array;
  dumpable: number;
  /** PR_SET_THP_DISABLE: kept. */
  hugePagesDisabled: boolean;
  /** PR_SET_MDWE: bits that forbid memory to become executable. */
  executeBits: number;
  /** PR_SET_MEMORY_MERGE: kept. */
  mergesPages: boolean;
  /** Commands that membarrier(2) has registered. */
  membarrier: number;
  /** arch_prctl(ARCH_REQ_XCOMP_PERM) was granted. */
  dynamicFeatures: boolean;
  /** The thread that copies it: others are held at their way back to the program. */
  freezer: Task | null;
  readonly held: Task[];
  /** Set once a thread has registered a restartable sequence. */
  processors: ProcessorSlots | null;
  /** io_setup(2): by the address of their rings. */
  readonly aioContexts: Map<number, AioContext>;

  constructor(memory: MemoryManager, programs: ProgramFiles) {
    this.programs = programs;
    this.memory = memory;
    this.users = 1;
    this.running = 0;
    this.executable = null;
    this.path = '';
    this.auxv = new Uint8Array(SAVED_AUXV_BYTES);
    this.dumpable = SUID_DUMP_USER;
    this.hugePagesDisabled = false;
    this.executeBits = 0;
    this.mergesPages = false;
    this.membarrier = 0;
    this.dynamicFeatures = false;
    this.freezer = null;
    this.held = [];
    this.processors = null;
    this.aioContexts = new Map();
  }

  /** Replaces the auxiliary vector's first bytes; of the rest either what it had or nothing stays. Pre: they fit. */
  saveVector(bytes: Uint8Array, keepRest: boolean): void {
    const next = new Uint8Array(SAVED_AUXV_BYTES);
    if (keepRest) next.set(this.auxv);
    next.set(bytes);
    next.fill(0, SAVED_AUXV_BYTES - 16);
    this.auxv = next;
  }

  /** One user less; the last one ends the address space. */
  release(): void {
    if (--this.users > 0) return;
    for (const context of this.aioContexts.values()) context.destroy(false);
    this.aioContexts.clear();
    if (this.executable !== null) this.programs.close(this.executable);
    this.executable = null;
    this.memory.destroy();
  }
}

/** What a child or a new program gets of PR_SET_MDWE. */
export function inheritedExecuteBits(from: ProcessImage): number {
  return (from.executeBits & PR_MDWE_NO_INHERIT) !== 0 ? 0 : from.executeBits;
}
