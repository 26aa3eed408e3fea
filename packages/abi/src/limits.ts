// Sizes that Linux fixes: paths, names, arguments, groups, pipes (linux/limits.h, linux/binfmts.h).

export const NGROUPS_MAX = 65536;
export const ARG_MAX = 131072;
export const LINK_MAX = 127;
export const MAX_CANON = 255;
export const MAX_INPUT = 255;
export const NAME_MAX = 255;
export const PATH_MAX = 4096;
export const PIPE_BUF = 4096;
export const RTSIG_MAX = 32;

// execve
export const MAX_ARG_STRINGS = 0x7fffffff;
export const BINPRM_BUF_SIZE = 256;

// vectors
export const UIO_MAXIOV = 1024;

// clock ticks
export const HZ = 100;
export const EXEC_PAGESIZE = 4096;
export const MAXHOSTNAMELEN = 64;
