// wait4(2) and waitid(2): options, kinds of child, and the parts of a wait status.

// options
export const WNOHANG = 0x00000001;
export const WUNTRACED = 0x00000002;
export const WSTOPPED = WUNTRACED;
export const WEXITED = 0x00000004;
export const WCONTINUED = 0x00000008;
export const WNOWAIT = 0x01000000;

// waitid: which
export const P_ALL = 0;
export const P_PID = 1;
export const P_PGID = 2;
export const P_PIDFD = 3;

// Options that choose children by how they were cloned.
export const __WNOTHREAD = 0x20000000;
export const __WALL = 0x40000000;
export const __WCLONE = 0x80000000;

/** Status word of a child that called exit(2) with `code`. */
export function exitStatus(code: number): number {
  return (code & 0xff) << 8;
}

/** Status word of a child ended by `signal`. */
export function signalStatus(signal: number, coreDumped: boolean): number {
  return (signal & 0x7f) | (coreDumped ? 0x80 : 0);
}

/** Status word of a child stopped by `signal`; `event` is a PTRACE_EVENT_*, or 0. */
export function stopStatus(signal: number, event: number): number {
  return (event << 16) | ((signal & 0xff) << 8) | 0x7f;
}

/** Status word of a child that SIGCONT resumed. */
export const CONTINUED_STATUS = 0xffff;
