// What this host allows, found out without leaving a trace: for `doctor` and for choosing a jail. Each probe gives 0 (yes) or -errno,
// unless it says otherwise. A call that does not exist, or that a filter hides, gives -ENOSYS or -EPERM.
import {
  AT_FDCWD,
  CLONE_NEWUSER,
  EINVAL,
  ENOENT,
  ENOSYS,
  EPERM,
  O_CLOEXEC,
  O_RDWR,
  SYS_clone3,
  SYS_getgid,
  SYS_getpid,
  SYS_getuid,
  SYS_openat2,
  SYS_pidfd_open,
  SYS_seccomp,
} from '@sandbox-kernel/abi';
import { DATA } from './door.js';
import type { Host } from './host.js';

const SECCOMP_GET_ACTION_AVAIL = 2;
const SECCOMP_RET_KILL_PROCESS = 0x80000000;
const PTRACE_SCOPE = '/proc/sys/kernel/yama/ptrace_scope';
const MEMFD_NOEXEC = '/proc/sys/vm/memfd_noexec';

export class HostProbes {
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Whether a child may be put into these namespaces. It gets as far as not finding its program. */
  namespaces(flags: number): number {
    const uid = this.#host.door.call(SYS_getuid, 0, 0, 0, 0, 0, 0, 0);
    const gid = this.#host.door.call(SYS_getgid, 0, 0, 0, 0, 0, 0, 0);
    const child = this.#host.processes.spawn({
      executable: '/no/such/program',
      args: ['probe'],
      env: [],
      fds: [],
      namespaces: flags,
      ...((flags & CLONE_NEWUSER) === 0 ? {} : { uidMap: `0 ${uid} 1`, gidMap: `0 ${gid} 1` }),
    });
    return child === -ENOENT ? 0 : typeof child === 'number' ? child : -EINVAL;
  }

  /** Version of Landlock, or -errno. */
  landlock(): number {
    return this.#host.confinement.landlockVersion();
  }

  seccomp(): number {
    const { door } = this.#host;
    door.view.setUint32(DATA, SECCOMP_RET_KILL_PROCESS, true);
    return door.call(SYS_seccomp, 4, SECCOMP_GET_ACTION_AVAIL, 0, DATA, 0, 0, 0);
  }

  openat2(): number {
    return this.#exists(this.#host.door.call(SYS_openat2, 0, AT_FDCWD, 0, 0, 0, 0, 0));
  }

  clone3(): number {
    return this.#exists(this.#host.door.call(SYS_clone3, 0, 0, 0, 0, 0, 0, 0));
  }

  pidfd(): number {
    const { door, descriptors } = this.#host;
    const fd = door.call(SYS_pidfd_open, 0, door.call(SYS_getpid, 0, 0, 0, 0, 0, 0, 0), 0, 0, 0, 0, 0);
    return fd < 0 ? fd : descriptors.close(fd);
  }

  /** Whether a device can be opened for reading and writing (/dev/kvm, /dev/net/tun). */
  device(path: string): number {
    const fd = this.#host.paths.open(AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0, 0);
    return fd < 0 ? fd : this.#host.descriptors.close(fd);
  }

  /** Yama's ptrace_scope; 0 where Yama is not there. */
  ptraceScope(): number {
    return Math.max(0, this.#readNumber(PTRACE_SCOPE));
  }

  /** vm.memfd_noexec: at 2, nothing can be executed from memory. 0 where the host does not know it. */
  memfdNoexec(): number {
    return Math.max(0, this.#readNumber(MEMFD_NOEXEC));
  }

  /** A call with nonsense arguments fails with anything but these two where it exists. */
  #exists(result: number): number {
    return result === -ENOSYS || result === -EPERM ? result : 0;
  }

  #readNumber(path: string): number {
    const fd = this.#host.paths.open(AT_FDCWD, path, O_CLOEXEC, 0, 0);
    if (fd < 0) return fd;
    const bytes = new Uint8Array(16);
    const length = this.#host.transfer.read(fd, bytes, 0, bytes.length, -1);
    this.#host.descriptors.close(fd);
    return length <= 0 ? -EINVAL : Number.parseInt(String.fromCharCode(...bytes.subarray(0, length)), 10);
  }
}
