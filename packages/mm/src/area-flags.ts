// Bits of an area (VMA) and of a run of pages behind it. The low eight are Linux's (PROT_* and what mprotect may still give);
// the others are our own numbers, since Linux's need more than 31 bits.

export const VM_READ = 0x1;
export const VM_WRITE = 0x2;
export const VM_EXEC = 0x4;
export const VM_PROT = 0x7;
/** Changes reach the file, or the others who map it. Without write access to the file: set too, but VM_MAYWRITE is not. */
export const VM_SHARED = 0x8;
export const VM_MAYREAD = 0x10;
export const VM_MAYWRITE = 0x20;
export const VM_MAYEXEC = 0x40;
export const VM_GROWSDOWN = 0x100;
/** MAP_NORESERVE. */
export const VM_NORESERVE = 0x200;
export const VM_LOCKED = 0x400;
export const VM_LOCKONFAULT = 0x800;
export const VM_DONTCOPY = 0x1000;
export const VM_WIPEONFORK = 0x2000;
export const VM_DONTDUMP = 0x4000;
export const VM_DONTEXPAND = 0x8000;
export const VM_SEALED = 0x10000;
export const VM_HUGEPAGE = 0x20000;
export const VM_NOHUGEPAGE = 0x40000;
export const VM_MERGEABLE = 0x80000;
export const VM_SEQ_READ = 0x100000;
export const VM_RAND_READ = 0x200000;
/** The kernel's own pages in the program ([vdso], [vvar]): not counted, not expanded. */
export const VM_SPECIAL = 0x400000;

/** userfaultfd(2): faults on missing pages, on protected ones, and on pages that only the file has, are its monitor's to answer. */
export const VM_UFFD_MISSING = 0x800000;
export const VM_UFFD_WP = 0x1000000;
export const VM_UFFD_MINOR = 0x2000000;
export const VM_UFFD = 0x3800000;

/** MAP_DROPPABLE. Nothing is ever dropped here, but what comes with it holds: not locked, not dumped, wiped by a fork. */
export const VM_DROPPABLE = 0x4000000;

export const VM_MAY_SHIFT = 4;

/** The pages are counted as ours in the memory file. */
export const PAGE_OWNED = 1;
/** Others may own them too: a write needs a look first. */
export const PAGE_COW = 2;
/** A file's page, asked for with `write`: may be mapped writable. */
export const PAGE_WRITABLE = 4;
/** Protected by UFFDIO_WRITEPROTECT: a write is the monitor's to answer. */
export const PAGE_PROTECTED = 8;
