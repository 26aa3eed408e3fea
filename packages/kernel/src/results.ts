// What a system call handler may return besides a result or -errno, and the codes that only the kernel's own return path sees.
// Linux's ERESTART* numbers (abi) never reach a program: loop.ts turns them into a restart or EINTR.
import type { SyscallArgs } from './syscall-args.js';
import type { Task } from './task.js';

/** The task is registered on queues or a deadline; the same handler is called again when one fires. */
export const BLOCKED = -0x10000;
/** The handler has set all registers itself (execve, rt_sigreturn): RAX is not written. */
export const REGISTERS_SET = -0x10001;
/** The calling task is gone (exit, exit_group): nothing of it may be touched any more. */
export const TASK_EXITED = -0x10002;

/** ≥ 0, -errno, or one of the above. Called again with the same registers after BLOCKED. */
export type SyscallHandler = (task: Task, args: SyscallArgs) => number;
