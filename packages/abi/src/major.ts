// Device numbers of the character devices a container has (makedev(3)).

export const MEM_MAJOR = 1;
export const PTY_MASTER_MAJOR = 2;
export const PTY_SLAVE_MAJOR = 3;
export const TTY_MAJOR = 4;
export const TTYAUX_MAJOR = 5;
export const LOOP_MAJOR = 7;
export const MISC_MAJOR = 10;
export const UNIX98_PTY_MASTER_MAJOR = 128;
export const UNIX98_PTY_MAJOR_COUNT = 8;
export const UNIX98_PTY_SLAVE_MAJOR = 136;
