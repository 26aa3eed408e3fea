// States of a task, from the loop's point of view.

/** Made, not yet started. */
export const TASK_NEW = 0;
/** Its context runs guest code. */
export const TASK_RUNNING = 1;
/** The kernel works for it at this moment. */
export const TASK_IN_KERNEL = 2;
/** In a system call that waits; signals end the wait. */
export const TASK_BLOCKED = 3;
/** On the run queue: its call runs again, or it goes on to the program. */
export const TASK_WOKEN = 4;
/** On its way to the program, held in a group stop. */
export const TASK_STOPPED = 5;
/** On its way to the program, held because another thread copies the address space. */
export const TASK_HELD = 6;
/** Stopped by itself, for the task that traces it (ptrace/). */
export const TASK_TRACED = 7;
/** Gone; its leader waits to be reaped. */
export const TASK_ZOMBIE = 8;
/** Gone for good. */
export const TASK_DEAD = 9;
