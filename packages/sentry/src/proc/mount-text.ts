// /proc/PID/mounts, mountinfo: proc_pid_mounts(5), proc_pid_mountinfo(5).
import {
  MS_DIRSYNC,
  MS_LAZYTIME,
  MS_MANDLOCK,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_RELATIME,
  MS_SYNCHRONOUS,
} from '@sandbox-kernel/abi';
import type { Task } from '@sandbox-kernel/kernel';
import { type Mount, majorOf, minorOf, placeName, type Superblock } from '@sandbox-kernel/vfs';

const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [MS_NOSUID, 'nosuid'],
  [MS_NODEV, 'nodev'],
  [MS_NOEXEC, 'noexec'],
  [MS_NOATIME, 'noatime'],
  [MS_NODIRATIME, 'nodiratime'],
  [MS_RELATIME, 'relatime'],
  [MS_NOSYMFOLLOW, 'nosymfollow'],
];

const SUPER_NAMES: readonly (readonly [number, string])[] = [
  [MS_SYNCHRONOUS, 'sync'],
  [MS_DIRSYNC, 'dirsync'],
  [MS_MANDLOCK, 'mand'],
  [MS_LAZYTIME, 'lazytime'],
];

/** By id, as since Linux 6.8. */
function mountsOf(task: Task): Mount[] {
  const all = task.fs.root.mount.namespace?.list() ?? [];
  return all.sort((one, other) => one.id - other.id);
}

/** Where it is seen from the task's root; null when it is not. */
function pathOf(task: Task, mount: Mount): string | null {
  const path = placeName(mount, mount.root, task.fs.root);
  return path.startsWith('(unreachable)') ? null : path;
}

/** Spaces and their like as octal, as getmntent(3) reads them. */
function escaped(text: string): string {
  return text.replace(
    /[ \t\n\\#]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
}

/** As `names` in the order of Linux. */
function superNames({ flags }: Superblock): string[] {
  return SUPER_NAMES.filter(([flag]) => (flags & flag) !== 0).map(([, name]) => name);
}

function mountOptions(mount: Mount, all = false): string {
  const { superblock } = mount;
  const readOnly = (mount.flags | (all ? superblock.flags : 0)) & MS_RDONLY;
  const names = [readOnly !== 0 ? 'ro' : 'rw', ...(all ? superNames(superblock) : [])];
  for (const [flag, name] of FLAG_NAMES) if ((mount.flags & flag) !== 0) names.push(name);
  return names.join(',');
}

function superOptions(mount: Mount): string {
  const { superblock } = mount;
  const own = superblock.filesystem.options(superblock);
  const names = [(superblock.flags & MS_RDONLY) !== 0 ? 'ro' : 'rw', ...superNames(superblock)];
  return own === '' ? names.join(',') : `${names.join(',')},${own}`;
}

export function mountsText(task: Task): string {
  let text = '';
  for (const mount of mountsOf(task)) {
    const path = pathOf(task, mount);
    if (path === null) continue;
    const own = mount.superblock.filesystem.options(mount.superblock);
    // Read-only by the mount or by the filesystem: here it is one word.
    const access = mountOptions(mount, true);
    const options = own === '' ? access : `${access},${own}`;
    text += `${escaped(mount.source)} ${escaped(path)} ${mount.superblock.filesystem.type} ${options} 0 0\n`;
  }
  return text;
}

export function mountinfoText(task: Task): string {
  let text = '';
  for (const mount of mountsOf(task)) {
    const path = pathOf(task, mount);
    if (path === null) continue;
    const { device, filesystem } = mount.superblock;
    const root = placeName(null, mount.root);
    const parent = mount.parent?.id ?? mount.id;
    const head = `${mount.id} ${parent} ${majorOf(device)}:${minorOf(device)} ${escaped(root)} ${escaped(path)} ${mountOptions(mount)}`;
    text += `${head}${propagation(mount)} - ${filesystem.type} ${escaped(mount.source)} ${superOptions(mount)}\n`;
  }
  return text;
}

function propagation(mount: Mount): string {
  const shared = mount.peers === null ? '' : ` shared:${mount.peers.id}`;
  const master = mount.master === null ? '' : ` master:${mount.master.id}`;
  return `${shared}${master}${mount.unbindable ? ' unbindable' : ''}`;
}
