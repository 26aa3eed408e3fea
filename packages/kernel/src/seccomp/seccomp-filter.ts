// What seccomp(2) lets a task do: nothing but four calls (strict mode), or what its filters answer. Filters form a chain that forked and cloned
// tasks share and may add to, never take from; all of them run for every call, and the strictest answer counts.
import {
  AUDIT_ARCH_X86_64,
  BPF_MEMWORDS,
  type BpfProgram,
  runSeccompFilter,
  SECCOMP_DATA_ARCH,
  SECCOMP_DATA_ARGS,
  SECCOMP_DATA_INSTRUCTION_POINTER,
  SECCOMP_DATA_NR,
  SECCOMP_DATA_SIZE,
  SECCOMP_MODE_DISABLED,
  SECCOMP_RET_ACTION_FULL,
  SECCOMP_RET_ALLOW,
} from '@sandbox-kernel/abi';
import { FRAME_RIP } from '@sandbox-kernel/contracts';
import type { Task } from '../task.js';

/** Instructions along one chain, each filter counting for a few more. */
const MOST_INSTRUCTIONS = 32768;
const OVERHEAD = 4;
const ARGUMENTS = 6;
const WORD = 8;

export class SeccompFilter {
  readonly program: BpfProgram;
  readonly previous: SeccompFilter | null;
  /** SECCOMP_FILTER_FLAG_LOG: told to debuggers; nothing is logged here. */
  readonly logs: boolean;
  /** Filters in the chain, this one included. */
  readonly count: number;
  private readonly instructions: number;

  constructor(program: BpfProgram, previous: SeccompFilter | null, logs: boolean) {
    this.program = program;
    this.previous = previous;
    this.logs = logs;
    this.count = (previous?.count ?? 0) + 1;
    this.instructions = program.length + (previous === null ? 0 : previous.instructions + OVERHEAD);
  }

  get tooLong(): boolean {
    return this.instructions > MOST_INSTRUCTIONS;
  }

  /** Is `other` this chain, or a part of it from its beginning? */
  descendsFrom(other: SeccompFilter | null): boolean {
    if (other === null) return true;
    for (let at: SeccompFilter | null = this; at !== null; at = at.previous) if (at === other) return true;
    return false;
  }
}

/** What filters work on, kept from call to call. */
class FilterRun {
  /** struct seccomp_data. */
  readonly data: DataView;
  readonly memory: Uint32Array;

  constructor() {
    this.data = new DataView(new ArrayBuffer(SECCOMP_DATA_SIZE));
    this.memory = new Uint32Array(BPF_MEMWORDS);
  }
}

/** A task's own part: SECCOMP_MODE_*, and the newest filter. */
export class SeccompState {
  mode: number;
  filter: SeccompFilter | null;
  run: FilterRun | null;

  constructor() {
    this.mode = SECCOMP_MODE_DISABLED;
    this.filter = null;
    this.run = null;
  }

  copy(from: SeccompState): void {
    this.mode = from.mode;
    this.filter = from.filter;
  }
}

/** SECCOMP_RET_* of all filters for the call `nr` that `task` makes. */
export function runFilters(task: Task, nr: number): number {
  const { seccomp } = task;
  seccomp.run ??= new FilterRun();
  const { data, memory } = seccomp.run;
  describeCall(task, nr, data);
  let answer = SECCOMP_RET_ALLOW;
  for (let filter = seccomp.filter; filter !== null; filter = filter.previous) {
    const said = runSeccompFilter(filter.program, data, 0, memory.fill(0));
    if (rank(said) < rank(answer)) answer = said;
  }
  return answer;
}

/** Actions compare as signed numbers: SECCOMP_RET_KILL_PROCESS is the least. */
function rank(answer: number): number {
  return (answer & SECCOMP_RET_ACTION_FULL) | 0;
}

function describeCall(task: Task, nr: number, data: DataView): void {
  const { view, offset } = task.frame;
  data.setInt32(SECCOMP_DATA_NR, nr, true);
  data.setUint32(SECCOMP_DATA_ARCH, AUDIT_ARCH_X86_64, true);
  for (let i = 0; i < WORD; i += 4)
    data.setUint32(SECCOMP_DATA_INSTRUCTION_POINTER + i, view.getUint32(offset + FRAME_RIP + i, true), true);
  for (let i = 0; i < ARGUMENTS; i++) {
    data.setUint32(SECCOMP_DATA_ARGS + i * WORD, task.args.lo(i), true);
    data.setUint32(SECCOMP_DATA_ARGS + i * WORD + 4, task.args.hi(i), true);
  }
}
