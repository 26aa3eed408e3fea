// Where the memory of a program may lie (x86-64, four levels of page tables; Linux's Documentation/arch/x86/x86_64/mm.rst, proc_sys_vm(5)).

/** One past the highest address of a program. A platform may keep the top for itself. */
export const TASK_SIZE = 2 ** 47 - 4096;
/** vm.mmap_min_addr as distributions have it. */
export const MMAP_MIN_ADDR = 65536;
