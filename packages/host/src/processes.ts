// Host processes: starting the sandbox's own (clone(2) with execve(2), sharing memory until then), signalling and reaping them.
import {
  E2BIG,
  SYS_getpid,
  SYS_kill,
  SYS_pidfd_open,
  SYS_pidfd_send_signal,
  SYS_prctl,
  SYS_waitid,
} from '@sandbox-kernel/abi';
import { DATA, type Door } from './door.js';

export interface SpawnOptions {
  /** Descriptor of the executable, or its path. */
  readonly executable: number | string;
  readonly args: readonly string[];
  /** `NAME=value`; nothing is inherited. */
  readonly env: readonly string[];
  /** Element i becomes descriptor i; -1 leaves it closed. Everything else is closed. */
  readonly fds: readonly number[];
  /** A session of its own: signals from a terminal don't reach it. */
  readonly newSession?: boolean;
  /** SIGKILL when this thread dies. */
  readonly dieWithParent?: boolean;
  readonly noNewPrivileges?: boolean;
  /** Drops all capabilities, the bounding set included. */
  readonly dropCapabilities?: boolean;
  /** CLONE_NEW* flags. With a user namespace the two maps say who is who (contents of uid_map and gid_map). */
  readonly namespaces?: number;
  readonly uidMap?: string;
  readonly gidMap?: string;
}

export interface Spawned {
  readonly pid: number;
  readonly pidfd: number;
}

const FLAG_SESSION = 1;
const FLAG_PARENT_DEATH = 2;
const FLAG_NO_NEW_PRIVS = 4;
const FLAG_DROP_CAPABILITIES = 8;
const P_PIDFD = 3;
const WNOHANG = 1;
const WEXITED = 4;
const CLD_EXITED = 1;
/** The list of descriptors stands first, then the strings. */
const STRINGS = DATA + 4096;
const STRINGS_END = DATA + 450_000;

export class HostProcesses {
  readonly #door: Door;
  /** Of the last successful `reap`: exit code, or signal with `signalled`. */
  status: number;
  signalled: boolean;

  constructor(door: Door) {
    this.#door = door;
    this.status = 0;
    this.signalled = false;
  }

  /** Starts a process. A failed exec comes back as its -errno, with nothing left behind. */
  spawn(options: SpawnOptions): Spawned | number {
    const path = typeof options.executable === 'string' ? options.executable : '';
    const maps = [options.uidMap ?? '', options.gidMap ?? ''];
    if (!this.#putStrings([path, ...options.args, ...options.env, ...maps])) return -E2BIG;
    options.fds.forEach((fd, i) => {
      this.#door.view.setInt32(DATA + 4 * i, fd, true);
    });
    const args = this.#door.args;
    args[0] = typeof options.executable === 'number' ? options.executable : -1;
    args[1] = options.args.length;
    args[2] = options.env.length;
    args[3] = STRINGS;
    args[4] = options.fds.length;
    args[5] = DATA;
    args[6] = flagsOf(options);
    args[7] = options.namespaces ?? 0;
    const pid = this.#door.native.spawn();
    return pid < 0 ? pid : { pid, pidfd: this.#door.results[0] ?? -1 };
  }

  kill(pid: number, signal: number): number {
    return this.#door.call(SYS_kill, 0, pid, signal, 0, 0, 0, 0);
  }

  /** Never hits a process that took over the number. */
  signal(pidfd: number, signal: number): number {
    return this.#door.call(SYS_pidfd_send_signal, 0, pidfd, signal, 0, 0, 0, 0);
  }

  pidfd(pid: number): number {
    return this.#door.call(SYS_pidfd_open, 0, pid, 0, 0, 0, 0, 0);
  }

  /** Reaps a child if it has ended: 1 and its `status`; 0: still running; -errno. Pidfds become readable when it ends. */
  reap(pidfd: number): number {
    this.#door.view.setInt32(DATA + 16, 0, true);
    const result = this.#door.call(SYS_waitid, 4, P_PIDFD, pidfd, DATA, WNOHANG | WEXITED, 0, 0);
    if (result < 0) return result;
    const { view } = this.#door;
    if (view.getInt32(DATA + 16, true) === 0) return 0;
    this.signalled = view.getInt32(DATA + 8, true) !== CLD_EXITED;
    this.status = view.getInt32(DATA + 24, true);
    return 1;
  }

  /** prctl(2) with numbers only. */
  prctl(option: number, a: number, b: number, c: number, d: number): number {
    return this.#door.call(SYS_prctl, 0, option, a, b, c, d, 0);
  }

  pid(): number {
    return this.#door.call(SYS_getpid, 0, 0, 0, 0, 0, 0, 0);
  }

  #putStrings(strings: readonly string[]): boolean {
    let at = STRINGS;
    for (const text of strings) {
      if (at + text.length + 1 > STRINGS_END || !this.#door.putString(at, text, STRINGS_END - at))
        return false;
      at += text.length + 1;
    }
    return true;
  }
}

function flagsOf(options: SpawnOptions): number {
  let flags = 0;
  if (options.newSession === true) flags |= FLAG_SESSION;
  if (options.dieWithParent === true) flags |= FLAG_PARENT_DEATH;
  if (options.noNewPrivileges === true) flags |= FLAG_NO_NEW_PRIVS;
  if (options.dropCapabilities === true) flags |= FLAG_DROP_CAPABILITIES;
  return flags;
}
