// What a process gives up, and how: capabilities(7), no_new_privs, seccomp(2), landlock(7), namespaces(7), mounts. Everything acts on
// the calling thread unless said otherwise; a Node process has others, so capabilities are best dropped by `spawn`.
import {
  E2BIG,
  EINVAL,
  ENAMETOOLONG,
  SYS_capset,
  SYS_chdir,
  SYS_chroot,
  SYS_landlock_add_rule,
  SYS_landlock_create_ruleset,
  SYS_landlock_restrict_self,
  SYS_mount,
  SYS_pivot_root,
  SYS_prctl,
  SYS_seccomp,
  SYS_umount2,
  SYS_unshare,
} from '@sandbox-kernel/abi';
import { DATA, type Door, PATH_A, PATH_B } from './door.js';

const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAPBSET_DROP = 24;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const LINUX_CAPABILITY_VERSION_3 = 0x20080522;
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_TSYNC = 1;
const FILTER_INSTRUCTION = 8;
const BPF_MAXINSNS = 4096;
const LANDLOCK_CREATE_RULESET_VERSION = 1;
const LANDLOCK_RULE_PATH_BENEATH = 1;
const PATH_MAX = 4096;

export class HostConfinement {
  readonly #door: Door;

  constructor(door: Door) {
    this.#door = door;
  }

  noNewPrivileges(): number {
    return this.#door.call(SYS_prctl, 0, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0);
  }

  /** Drops every capability of this thread: ambient, bounding (as far as it may), effective, permitted, inheritable. */
  dropCapabilities(): number {
    this.#door.call(SYS_prctl, 0, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0, 0);
    for (let capability = 0; capability < 64; capability++) {
      if (this.#door.call(SYS_prctl, 0, PR_CAPBSET_DROP, capability, 0, 0, 0, 0) === -EINVAL) break;
    }
    this.#door.view.setUint32(DATA, LINUX_CAPABILITY_VERSION_3, true);
    this.#door.view.setInt32(DATA + 4, 0, true);
    this.#door.bytes.fill(0, DATA + 8, DATA + 32);
    return this.#door.call(SYS_capset, 3, DATA, DATA + 8, 0, 0, 0, 0);
  }

  /** Installs a BPF program (struct sock_filter[]) on all threads of the process. A thread id > 0: that one could not follow. */
  seccomp(program: Uint8Array): number {
    const count = program.length / FILTER_INSTRUCTION;
    if (!Number.isInteger(count) || count === 0) return -EINVAL;
    if (count > BPF_MAXINSNS) return -E2BIG;
    const { view, bytes } = this.#door;
    bytes.set(program, DATA + 16);
    view.setUint32(DATA, count, true);
    view.setUint32(DATA + 4, 0, true);
    this.#door.putPointer(DATA + 8, DATA + 16);
    return this.#door.call(SYS_seccomp, 4, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, DATA, 0, 0, 0);
  }

  /** Version of Landlock on this host, or -errno (ENOSYS, EOPNOTSUPP: none). */
  landlockVersion(): number {
    return this.#door.call(SYS_landlock_create_ruleset, 0, 0, 0, LANDLOCK_CREATE_RULESET_VERSION, 0, 0, 0);
  }

  /** A ruleset that handles these rights (LANDLOCK_ACCESS_FS_*, _NET_*). Descriptor or -errno. */
  landlockCreate(filesystemRights: number, networkRights: number): number {
    this.#putLong(DATA, filesystemRights);
    this.#putLong(DATA + 8, networkRights);
    const size = networkRights === 0 ? 8 : 16;
    return this.#door.call(SYS_landlock_create_ruleset, 1, DATA, size, 0, 0, 0, 0);
  }

  /** Allows `rights` beneath an O_PATH descriptor. */
  landlockAllow(ruleset: number, fd: number, rights: number): number {
    this.#putLong(DATA, rights);
    this.#door.view.setInt32(DATA + 8, fd, true);
    return this.#door.call(SYS_landlock_add_rule, 4, ruleset, LANDLOCK_RULE_PATH_BENEATH, DATA, 0, 0, 0);
  }

  /** Needs no_new_privs (or CAP_SYS_ADMIN). This thread and its children only. */
  landlockRestrict(ruleset: number): number {
    return this.#door.call(SYS_landlock_restrict_self, 0, ruleset, 0, 0, 0, 0, 0);
  }

  unshare(flags: number): number {
    return this.#door.call(SYS_unshare, 0, flags, 0, 0, 0, 0, 0);
  }

  /** mount(2); empty strings for what does not apply. Options of at most 2 KiB. */
  mount(source: string, target: string, type: string, flags: number, options: string): number {
    const typeAt = DATA;
    const optionsAt = DATA + 256;
    const fits =
      this.#door.putString(PATH_A, source, PATH_MAX) &&
      this.#door.putString(PATH_B, target, PATH_MAX) &&
      this.#door.putString(typeAt, type, 256) &&
      this.#door.putString(optionsAt, options, 2048);
    if (!fits) return -ENAMETOOLONG;
    return this.#door.call(SYS_mount, 23, PATH_A, PATH_B, typeAt, flags, optionsAt, 0);
  }

  unmount(target: string, flags: number): number {
    if (!this.#door.putString(PATH_A, target, PATH_MAX)) return -ENAMETOOLONG;
    return this.#door.call(SYS_umount2, 1, PATH_A, flags, 0, 0, 0, 0);
  }

  pivotRoot(newRoot: string, oldRoot: string): number {
    if (!this.#door.putString(PATH_A, newRoot, PATH_MAX)) return -ENAMETOOLONG;
    if (!this.#door.putString(PATH_B, oldRoot, PATH_MAX)) return -ENAMETOOLONG;
    return this.#door.call(SYS_pivot_root, 3, PATH_A, PATH_B, 0, 0, 0, 0);
  }

  chroot(path: string): number {
    if (!this.#door.putString(PATH_A, path, PATH_MAX)) return -ENAMETOOLONG;
    return this.#door.call(SYS_chroot, 1, PATH_A, 0, 0, 0, 0, 0);
  }

  chdir(path: string): number {
    if (!this.#door.putString(PATH_A, path, PATH_MAX)) return -ENAMETOOLONG;
    return this.#door.call(SYS_chdir, 1, PATH_A, 0, 0, 0, 0, 0);
  }

  #putLong(at: number, value: number): void {
    this.#door.view.setUint32(at, value >>> 0, true);
    this.#door.view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  }
}
