// Numbers of Linux's file interfaces that only this package uses, and its own internal bits.
/** Symbolic links that one walk follows. */
export const MAX_SYMLINKS = 40;
/** Largest file size and offset: what a double holds exactly (Linux: 2^63 - 1). */
export const MAX_FILE_SIZE = 2 ** 53 - 4096;

// What a walk does at its end.
/** Follow a symbolic link in the last component. */
export const WALK_FOLLOW = 1;
/** The result must be a directory (ENOTDIR). */
export const WALK_DIRECTORY = 2;
/** An empty path means the start itself. */
export const WALK_EMPTY = 4;

// Permission masks of `permission()`.
export const MAY_EXEC = 1;
export const MAY_WRITE = 2;
export const MAY_READ = 4;

// `FileDescription.mode`.
export const FMODE_READ = 1;
export const FMODE_WRITE = 2;
/** Has a position: read(2) and lseek(2) use it. */
export const FMODE_SEEK = 4;
/** Opened with O_PATH: names a place only. */
export const FMODE_PATH = 8;
/** Counted as a writer of its inode (ETXTBSY). */
export const FMODE_WRITER = 16;
/** Counted as a reader of its inode (leases). */
export const FMODE_READER = 64;
/** This open made the file (F_CREATED_QUERY). */
export const FMODE_CREATED = 128;
/** Opened by the kernel for itself: no notification, no counting. */
export const FMODE_INTERNAL = 32;
