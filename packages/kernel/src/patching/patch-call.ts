// Where patched calls and the kernel's way through a trap meet: a call from a place that is worth a patch, and a task that was stopped on
// its way through a trampoline.
import {
  SYS_clone,
  SYS_clone3,
  SYS_execve,
  SYS_execveat,
  SYS_exit,
  SYS_exit_group,
  SYS_fork,
  SYS_rt_sigreturn,
  SYS_vfork,
} from '@sandbox-kernel/abi';
import { FRAME_CR2, FRAME_R9, FRAME_RIP, FRAME_RSP, PAGE_SIZE, TRAP_FAULT } from '@sandbox-kernel/contracts';
import { getRegister, setRegister, setResult } from '../registers.js';
import type { Task } from '../task.js';
import { CallPatches } from './call-patches.js';
import { CALL_SIZE } from './call-site.js';

/** Calls that need the whole state of the processor in any case: by a trap they have it. */
const WHOLE_STATE = [
  SYS_rt_sigreturn,
  SYS_clone,
  SYS_fork,
  SYS_vfork,
  SYS_execve,
  SYS_exit,
  SYS_exit_group,
  SYS_execveat,
  SYS_clone3,
];

/** The call that `task` has just made comes from a place that makes many. */
export function patchCall(task: Task): void {
  const { memory } = task;
  const number = task.call.nr;
  if (WHOLE_STATE.includes(number)) return;
  const patches =
    (memory.patches as CallPatches | null) ?? new CallPatches(task.kernel.platform.features.patchEntry);
  memory.patches = patches;
  patches.add(memory, getRegister(task.frame, FRAME_RIP), number);
}

/**
 * A task that was stopped in a trampoline is put in front of the call instead: the program has no trampolines. True: there is nothing
 * else to do, since it was the trampoline itself that could not be reached.
 */
export function leaveTrampoline(task: Task, kind: number): boolean {
  const patches = task.memory.patches as CallPatches | null;
  const site = patches === null ? null : patches.siteAt(getRegister(task.frame, FRAME_RIP));
  if (site === null) return false;
  setRegister(task.frame, FRAME_RIP, site.next - CALL_SIZE);
  if (site.kind !== 'register') setResult(task.frame, site.number);
  else if (kind === TRAP_FAULT || !loadStacked(task)) setRegister(task.frame, FRAME_RIP, site.start);
  if (kind !== TRAP_FAULT) return false;
  const addr = getRegister(task.frame, FRAME_CR2);
  return Math.floor(addr / PAGE_SIZE) === Math.floor(site.trampoline / PAGE_SIZE);
}

/** What the move of syscall(3) does: R9 from the stack. RAX is still the program's. Where that faulted, the move is made once more. */
function loadStacked(task: Task): boolean {
  const { bytes, offset } = task.frame;
  return task.memory.copyIn(getRegister(task.frame, FRAME_RSP) + 8, bytes, offset + FRAME_R9, 8) === 8;
}
