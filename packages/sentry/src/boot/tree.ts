// The sandbox's file tree at boot: the root (a host directory under a copy-on-write layer in memory), /dev, and the mounts of the spec.
import {
  AT_FDCWD,
  EEXIST,
  errnoName,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_RELATIME,
  O_CLOEXEC,
  O_PATH,
  RLIMIT_NOFILE,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
} from '@sandbox-kernel/abi';
import { createDirectFilesystem, type HostWatches } from '@sandbox-kernel/gofer';
import type { Host } from '@sandbox-kernel/host';
import { createDevpts, registerTerminalDevices } from '@sandbox-kernel/kernel';
import {
  attachMount,
  createDevfs,
  createNamespace,
  createOverlay,
  createTmpfs,
  DEVTMPFS_TYPE,
  type FileCaller,
  Location,
  makeDirectory,
  makeNode,
  newMount,
  OVERLAY_TYPE,
  type Superblock,
  TMPFS_TYPE,
  type Vfs,
  WALK_FOLLOW,
} from '@sandbox-kernel/vfs';
import type { MountSpec, SandboxSpec } from '../control/messages.js';
import { RequestError } from '../control/server.js';
import { cgroupType, createCgroupfs } from '../proc/cgroupfs.js';
import { createProcfs, procType } from '../proc/procfs.js';
import { createSysfs, sysfsType } from '../proc/sysfs.js';
import { loadFilesystem } from './module-filesystem.js';
import type { SentryKernel } from './sentry-kernel.js';
import { latin1OfUtf8 } from './strings.js';

const OWN_DESCRIPTORS = 512;

/** What mounts of host directories need: the host, and how to hear of changes to them. */
export interface SharedTrees {
  readonly host: Host;
  readonly watches: HostWatches;
}

/** The top of the tree; its namespace holds everything else. */
export function createRoot(host: Host, kernel: SentryKernel, vfs: Vfs, spec: SandboxSpec): Location {
  vfs.registerFilesystem(TMPFS_TYPE);
  vfs.registerFilesystem(DEVTMPFS_TYPE);
  vfs.registerFilesystem(OVERLAY_TYPE);
  const lower = hostTree(host, vfs, spec.root, 'exclusive', true);
  // The root's changes may fill all memory that there is.
  const upper = createTmpfs(vfs, { mode: 0o755, size: kernel.memoryFile.limit, inodes: 0 });
  const namespace = createNamespace(createOverlay(vfs, { upper, lowers: [lower] }), MS_RELATIME);
  return new Location(namespace.root, namespace.root.root);
}

/** /dev, /dev/shm, and what the spec asks for. `caller` is root at the top. */
export function mountAll(
  side: SharedTrees,
  kernel: SentryKernel,
  caller: FileCaller,
  spec: SandboxSpec,
): void {
  const { vfs } = caller.fs;
  vfs.registerFilesystem(procType(kernel));
  vfs.registerFilesystem(sysfsType(kernel));
  mountOn(caller, '/proc', createProcfs(kernel), MS_NOSUID | MS_NODEV | MS_NOEXEC);
  mountOn(caller, '/sys', createSysfs(kernel), MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
  vfs.registerFilesystem(cgroupType(kernel));
  mountOn(caller, '/sys/fs/cgroup', createCgroupfs(kernel), MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
  mountOn(caller, '/dev', createDevfs(vfs), MS_NOSUID);
  vfs.registerFilesystem({ name: 'devpts', needsDevice: false, mount: () => createDevpts(vfs, kernel.ptys) });
  registerTerminalDevices(vfs, kernel.ptys);
  mountOn(caller, '/dev/pts', createDevpts(vfs, kernel.ptys), MS_NOSUID | MS_NOEXEC);
  const { superblock: mqueue } = kernel.mqueues;
  vfs.registerFilesystem({ name: 'mqueue', needsDevice: false, mount: () => mqueue });
  mountOn(caller, '/dev/mqueue', mqueue, MS_NOSUID | MS_NODEV | MS_NOEXEC);
  mountOn(caller, '/dev/shm', createTmpfs(vfs, { mode: 0o1777 }), MS_NOSUID | MS_NODEV);
  for (const mount of spec.mounts) mountSpec(side, caller, mount);
  if (spec.rootMode === 'read-only') caller.fs.root.mount.flags |= MS_RDONLY;
}

/** A filesystem at a path, which is made when it is missing. */
export function mountOn(caller: FileCaller, path: string, superblock: Superblock, flags: number): void {
  const directory = superblock.root?.isDirectory !== false;
  makePlace(caller, path, directory);
  const { walker } = caller.fs.vfs;
  const found = walker.lookup(caller, AT_FDCWD, path, WALK_FOLLOW);
  const result =
    found !== 0
      ? found
      : attachMount(newMount(superblock, flags | MS_RELATIME), new Location(walker.mount, walker.dentry));
  if (result !== 0) {
    throw mountError(
      path,
      result,
      'the mount point must be a directory for a directory, and a file for a file',
    );
  }
}

function mountSpec(side: SharedTrees, caller: FileCaller, mount: MountSpec): void {
  const target = latin1OfUtf8(mount.target);
  const flags = mount.readOnly === true ? MS_RDONLY : 0;
  if (mount.type === 'tmpfs') {
    const size = mount.size === undefined ? {} : { size: mount.size };
    mountOn(
      caller,
      target,
      createTmpfs(caller.fs.vfs, { mode: 0o1777, ...size }),
      flags | MS_NOSUID | MS_NODEV,
    );
    return;
  }
  const { vfs } = caller.fs;
  const readOnly = mount.readOnly === true;
  const tree =
    mount.type === 'module'
      ? loadFilesystem(vfs, mount.source ?? '')
      : hostTree(side.host, vfs, mount.source ?? '', 'shared', readOnly, side.watches);
  mountOn(caller, target, tree, flags | MS_NOSUID | MS_NODEV);
}

function hostTree(
  host: Host,
  vfs: Vfs,
  path: string,
  cache: 'exclusive' | 'shared',
  readOnly: boolean,
  watches: HostWatches | null = null,
): Superblock {
  const fd = host.paths.open(AT_FDCWD, latin1OfUtf8(path), O_PATH | O_CLOEXEC, 0, 0);
  if (fd < 0) throw mountError(path, fd, 'the path must exist on this machine and be readable by you');
  const superblock = createDirectFilesystem(vfs, {
    host,
    rootFd: fd,
    cache,
    readOnly,
    source: path,
    descriptorCeiling: descriptorsForFiles(host),
    ...(watches === null ? {} : { watches }),
  });
  if (typeof superblock === 'number') throw mountError(path, superblock, 'check that it can be read');
  return superblock;
}

/** Programs may open as many host files as this process may, less what it needs for itself (streams, sockets, the control channel). */
function descriptorsForFiles(host: Host): number {
  if (host.system.limit(RLIMIT_NOFILE) < 0) return OWN_DESCRIPTORS;
  return Math.max(host.system.soft - OWN_DESCRIPTORS, Math.floor(host.system.soft / 2));
}

/** mkdir -p, or an empty file for a mounted file. */
function makePlace(caller: FileCaller, path: string, directory: boolean): void {
  const parts = path.split('/').filter((part) => part !== '');
  for (let i = 1; i <= parts.length; i++) {
    const prefix = `/${parts.slice(0, i).join('/')}`;
    const type = directory || i < parts.length ? S_IFDIR : S_IFREG;
    const { walker } = caller.fs.vfs;
    if (walker.lookup(caller, AT_FDCWD, prefix, WALK_FOLLOW) === 0) continue;
    const made =
      (type & S_IFMT) === S_IFDIR
        ? makeDirectory(caller, AT_FDCWD, prefix, 0o755)
        : makeNode(caller, AT_FDCWD, prefix, S_IFREG | 0o644, 0);
    if (made !== 0 && made !== -EEXIST) throw mountError(prefix, made, 'the mount point could not be made');
  }
}

function mountError(path: string, error: number, hint: string): RequestError {
  const errno = errnoName(-error);
  return new RequestError({
    code: 'ERR_SANDBOX_MOUNT',
    message: `can't mount '${path}': ${errno}`,
    hint,
    errno,
    path,
  });
}
