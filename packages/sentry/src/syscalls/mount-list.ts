// statmount(2), listmount(2): the mounts of a namespace by their unique ids.
import {
  CAP_SYS_ADMIN,
  E2BIG,
  EFAULT,
  EINVAL,
  ENOENT,
  EOVERFLOW,
  EPERM,
  getU64,
  LISTMOUNT_REVERSE,
  MS_PRIVATE,
  MS_RDONLY,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
  STATMOUNT_FS_TYPE,
  STATMOUNT_MNT_BASIC,
  STATMOUNT_MNT_NS_ID,
  STATMOUNT_MNT_OPTS,
  STATMOUNT_MNT_POINT,
  STATMOUNT_MNT_ROOT,
  STATMOUNT_PROPAGATE_FROM,
  STATMOUNT_SB_BASIC,
  STATMOUNT_SB_SOURCE,
  STATMOUNT_SUPPORTED_MASK,
  SYS_listmount,
  SYS_statmount,
  set64,
} from '@sandbox-kernel/abi';
import type { SyscallArgs, Task } from '@sandbox-kernel/kernel';
import {
  attributesOfMount,
  FIRST_UNIQUE_ID,
  type Mount,
  majorOf,
  minorOf,
  placeName,
  StatfsData,
} from '@sandbox-kernel/vfs';
import type { SyscallRow } from './row.js';
import { workspaceOf } from './workspace.js';

const REQUEST_SIZE = 24;
const REQUEST_ID = 8;
const REQUEST_PARAM = 16;
const PAGE_BYTES = 4096;
/** LSMT_ROOT: all ones, which `getU64` rounds up. */
const ROOT_ID = 2 ** 64;
const MOST_IDS = 1_000_000;
/** sizeof(struct statmount) before its strings. */
const HEADER = 512;
const AT_OPTIONS = 4;
const AT_MASK = 8;
const AT_MAJOR = 16;
const AT_MAGIC = 24;
const AT_SUPER_FLAGS = 32;
const AT_TYPE = 36;
const AT_ID = 40;
const AT_OLD_ID = 56;
const AT_ATTRIBUTES = 64;
const AT_ROOT = 104;
const AT_POINT = 108;
const AT_NAMESPACE = 112;
const AT_SOURCE = 124;
const AT_SUPPORTED = 144;

/** Mask bit, where the offset of the string goes, and the string. */
type StringField = readonly [number, number, (task: Task, mount: Mount) => string];

const STRINGS: readonly StringField[] = [
  [STATMOUNT_FS_TYPE, AT_TYPE, (_task, mount) => mount.superblock.filesystem.type],
  [STATMOUNT_MNT_ROOT, AT_ROOT, (_task, mount) => placeName(null, mount.root)],
  [STATMOUNT_MNT_POINT, AT_POINT, (task, mount) => placeName(mount, mount.root, task.fs.root)],
  [STATMOUNT_MNT_OPTS, AT_OPTIONS, (_task, mount) => mount.superblock.filesystem.options(mount.superblock)],
  [STATMOUNT_SB_SOURCE, AT_SOURCE, (_task, mount) => mount.source],
];
const SUPPORTED =
  STATMOUNT_SB_BASIC |
  STATMOUNT_MNT_BASIC |
  STATMOUNT_PROPAGATE_FROM |
  STATMOUNT_MNT_NS_ID |
  STATMOUNT_SUPPORTED_MASK |
  STRINGS.reduce((all, field) => all | field[0], 0);

/** struct mnt_id_req. */
class IdRequest {
  id = 0;
  param = 0;
}

function readRequest(task: Task, addr: number, out: IdRequest): number {
  const { bytes, view } = workspaceOf(task);
  const size = task.memory.readU32(addr);
  if (size < 0) return size;
  if (size > PAGE_BYTES) return -E2BIG;
  if (size < REQUEST_SIZE) return -EINVAL;
  if (task.memory.copyIn(addr, bytes, 0, size) < size) return -EFAULT;
  // The version with a namespace's id is longer by one word; only the caller's own is known.
  for (let i = REQUEST_SIZE; i < size; i++)
    if (bytes[i] !== 0) return i < REQUEST_SIZE + 8 ? -ENOENT : -E2BIG;
  if (view.getUint32(4, true) !== 0) return -EINVAL;
  out.id = getU64(view, REQUEST_ID);
  out.param = getU64(view, REQUEST_PARAM);
  return out.id <= FIRST_UNIQUE_ID ? -EINVAL : 0;
}

/** Mounts that are seen from the task's root, by id. */
function visibleMounts(task: Task): Mount[] {
  const all = task.fs.root.mount.namespace?.list() ?? [];
  const seen = all.filter((mount) => !placeName(mount, mount.root, task.fs.root).startsWith('(unreachable)'));
  return seen.sort((one, other) => one.id - other.id);
}

function findMount(task: Task, uniqueId: number): Mount | number {
  const all = task.fs.root.mount.namespace?.list() ?? [];
  const mount = all.find((each) => each.uniqueId === uniqueId);
  if (mount === undefined) return -ENOENT;
  const hidden = placeName(mount, mount.root, task.fs.root).startsWith('(unreachable)');
  return hidden && !task.credentials.hasCapability(CAP_SYS_ADMIN) ? -EPERM : mount;
}

function statmount(task: Task, args: SyscallArgs): number {
  if (args.uint(3) !== 0) return -EINVAL;
  const request = new IdRequest();
  const read = readRequest(task, args.addr(0), request);
  if (read !== 0) return read;
  const mount = findMount(task, request.id);
  if (typeof mount === 'number') return mount;
  const mask = request.param % 2 ** 32;
  const fields = STRINGS.filter((field) => (mask & field[0]) !== 0);
  const texts = fields.map((field) => field[2](task, mount));
  const size = HEADER + texts.reduce((sum, text) => sum + text.length + 1, fields.length > 0 ? 1 : 0);
  const given = args.size(2);
  const room = given < 0 ? Number.POSITIVE_INFINITY : given;
  if (fields.length > 0 && size > room) return -EOVERFLOW;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  fillNumbers(task, view, mount, mask);
  fillStrings(bytes, view, fields, texts);
  set64(view, AT_MASK, mask & SUPPORTED);
  view.setUint32(0, Math.min(size, room), true);
  const wanted = Math.min(size, room);
  return task.memory.copyOut(args.addr(1), bytes, 0, wanted) < wanted ? -EFAULT : 0;
}

function fillNumbers(task: Task, view: DataView, mount: Mount, mask: number): void {
  const { superblock } = mount;
  if ((mask & STATMOUNT_SB_BASIC) !== 0) {
    const data = new StatfsData();
    superblock.filesystem.statfs(superblock, data);
    view.setUint32(AT_MAJOR, majorOf(superblock.device), true);
    view.setUint32(AT_MAJOR + 4, minorOf(superblock.device), true);
    set64(view, AT_MAGIC, data.type);
    view.setUint32(AT_SUPER_FLAGS, superblock.flags & MS_RDONLY, true);
  }
  if ((mask & STATMOUNT_MNT_BASIC) !== 0) {
    const parent = mount.parent ?? mount;
    set64(view, AT_ID, mount.uniqueId);
    set64(view, AT_ID + 8, parent.uniqueId);
    view.setUint32(AT_OLD_ID, mount.id, true);
    view.setUint32(AT_OLD_ID + 4, parent.id, true);
    set64(view, AT_ATTRIBUTES, attributesOfMount(mount));
    set64(view, AT_ATTRIBUTES + 8, propagationOf(mount));
    set64(view, AT_ATTRIBUTES + 16, mount.peers?.id ?? 0);
    set64(view, AT_ATTRIBUTES + 24, mount.master?.id ?? 0);
  }
  if ((mask & STATMOUNT_PROPAGATE_FROM) !== 0) set64(view, AT_ATTRIBUTES + 32, mount.master?.id ?? 0);
  if ((mask & STATMOUNT_MNT_NS_ID) !== 0) set64(view, AT_NAMESPACE, task.fs.root.mount.namespace?.id ?? 0);
  if ((mask & STATMOUNT_SUPPORTED_MASK) !== 0) set64(view, AT_SUPPORTED, SUPPORTED);
}

/** The string area starts with an empty string, which absent fields point at. */
function fillStrings(
  bytes: Uint8Array,
  view: DataView,
  fields: readonly StringField[],
  texts: readonly string[],
): void {
  let at = 1;
  fields.forEach((field, i) => {
    const text = texts[i] ?? '';
    view.setUint32(field[1], at, true);
    for (let k = 0; k < text.length; k++) bytes[HEADER + at + k] = text.charCodeAt(k);
    at += text.length + 1;
  });
}

function propagationOf(mount: Mount): number {
  const shared = mount.peers === null ? 0 : MS_SHARED;
  const slave = mount.master === null ? 0 : MS_SLAVE;
  const flags = shared | slave | (mount.unbindable ? MS_UNBINDABLE : 0);
  return flags === 0 ? MS_PRIVATE : flags;
}

function listmount(task: Task, args: SyscallArgs): number {
  const flags = args.uint(3);
  const count = args.size(2);
  if ((flags & ~LISTMOUNT_REVERSE) !== 0) return -EINVAL;
  if (count < 0 || count > MOST_IDS) return -EOVERFLOW;
  const request = new IdRequest();
  const read = readRequest(task, args.addr(0), request);
  if (read !== 0) return read;
  const top = request.id >= ROOT_ID ? null : findMount(task, request.id);
  if (typeof top === 'number') return top;
  const reverse = flags !== 0;
  const wanted = visibleMounts(task).filter((mount) => isListed(mount, top, request.param, reverse));
  if (reverse) wanted.reverse();
  const done = Math.min(count, wanted.length);
  for (let i = 0; i < done; i++) {
    if (task.memory.writeU64(args.addr(1) + i * 8, wanted[i]!.uniqueId) < 0) return -EFAULT;
  }
  return done;
}

function isListed(mount: Mount, top: Mount | null, last: number, reverse: boolean): boolean {
  if (last !== 0 && (reverse ? mount.uniqueId >= last : mount.uniqueId <= last)) return false;
  if (top === null) return true;
  for (let at = mount.parent; at !== null; at = at.parent) if (at === top) return true;
  return false;
}

export const MOUNT_LIST_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_statmount, name: 'statmount', handler: statmount, coverage: 'full', format: 'ppzx' },
  { nr: SYS_listmount, name: 'listmount', handler: listmount, coverage: 'full', format: 'ppzx' },
];
