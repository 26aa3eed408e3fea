// /proc/PID/mounts, mountinfo: proc_pid_mounts(5), proc_pid_mountinfo(5).
import {
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_RELATIME,
} from '@sandbox-kernel/abi';
import type { Task } from '@sandbox-kernel/kernel';
import { type Mount, majorOf, minorOf, placeName } from '@sandbox-kernel/vfs';

const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [MS_NOSUID, 'nosuid'],
  [MS_NODEV, 'nodev'],
  [MS_NOEXEC, 'noexec'],
  [MS_NOATIME, 'noatime'],
  [MS_NODIRATIME, 'nodiratime'],
  [MS_RELATIME, 'relatime'],
  [MS_NOSYMFOLLOW, 'nosymfollow'],
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

function mountOptions(mount: Mount, readOnly = mount.flags & MS_RDONLY): string {
  const names = [readOnly !== 0 ? 'ro' : 'rw'];
  for (const [flag, name] of FLAG_NAMES) if ((mount.flags & flag) !== 0) names.push(name);
  return names.join(',');
}

function superOptions(mount: Mount): string {
  const { superblock } = mount;
  const own = superblock.filesystem.options(superblock);
  const access = (superblock.flags & MS_RDONLY) !== 0 ? 'ro' : 'rw';
  return own === '' ? access : `${access},${own}`;
}

export function mountsText(task: Task): string {
  let text = '';
  for (const mount of mountsOf(task)) {
    const path = pathOf(task, mount);
    if (path === null) continue;
    const own = mount.superblock.filesystem.options(mount.superblock);
    // Read-only by the mount or by the filesystem: here it is one word.
    const access = mountOptions(mount, (mount.flags | mount.superblock.flags) & MS_RDONLY);
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
