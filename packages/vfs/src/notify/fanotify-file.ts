// The descriptor of a fanotify(7) group: reading takes events, writing answers permission events.
import {
  EAGAIN,
  EBUSY,
  EDQUOT,
  EINVAL,
  EIO,
  EMFILE,
  ENOSPC,
  EPERM,
  ETXTBSY,
  FAN_ALL_CLASS_BITS,
  FAN_ALLOW,
  FAN_AUDIT,
  FAN_CLASS_PRE_CONTENT,
  FAN_DENY,
  FAN_ENABLE_AUDIT,
  FAN_INFO,
  FAN_NOFD,
  FAN_NONBLOCK,
  FAN_RESPONSE_INFO_AUDIT_RULE,
  O_NONBLOCK,
  O_RDWR,
  POLLIN,
  POLLRDNORM,
} from '@sandbox-kernel/abi';
import type { Caller, IoSegments } from '@sandbox-kernel/contracts';
import { createAnonymousFile } from '../anon/anonymous.js';
import type { FileDescription } from '../file-description.js';
import { FileOps } from '../file-ops.js';
import type { FileCaller } from '../fs-context.js';
import { gather } from '../segments.js';
import type { WaitNode } from '../wait-queue.js';
import { FanotifyGroup } from './fanotify.js';

/** Bits of a response; above them an errno, for groups before content. */
const ACCESS = FAN_ALLOW | FAN_DENY;
const RESPONSE_BITS = ACCESS | FAN_AUDIT | FAN_INFO;
const ERRNO_SHIFT = 24;
const ERRNOS: readonly number[] = [0, EIO, EPERM, EBUSY, ETXTBSY, EAGAIN, ENOSPC, EDQUOT];
/** struct fanotify_response_info_audit_rule. */
const AUDIT_RULE_SIZE = 16;

function checkResponse(group: FanotifyGroup, response: number): number {
  const errno = response >>> ERRNO_SHIFT;
  if ((response & 0xffffff & ~RESPONSE_BITS) !== 0) return -EINVAL;
  const access = response & ACCESS;
  if (access !== FAN_ALLOW && access !== FAN_DENY) return -EINVAL;
  const early = (group.flags & FAN_ALL_CLASS_BITS) === FAN_CLASS_PRE_CONTENT;
  if (errno !== 0 && (access === FAN_ALLOW || !early || !ERRNOS.includes(errno))) return -EINVAL;
  return (response & FAN_AUDIT) !== 0 && (group.flags & FAN_ENABLE_AUDIT) === 0 ? -EINVAL : 0;
}

/** What follows the response is for the audit log, which nobody keeps here. */
function isAuditRule(io: IoSegments): boolean {
  if (io.total !== RESPONSE_SIZE + AUDIT_RULE_SIZE) return false;
  const bytes = new Uint8Array(RESPONSE_SIZE + AUDIT_RULE_SIZE);
  gather(io, 0, bytes, 0, bytes.length);
  const length = bytes[RESPONSE_SIZE + 2]! | (bytes[RESPONSE_SIZE + 3]! << 8);
  return bytes[RESPONSE_SIZE] === FAN_RESPONSE_INFO_AUDIT_RULE && length === AUDIT_RULE_SIZE;
}

const FIONREAD = 0x541b;
const RESPONSE_SIZE = 8;
/** fs.fanotify.max_user_groups. */
const MAX_GROUPS = 128;

class FanotifyOps extends FileOps {
  override ignoresSeek(): boolean {
    return true;
  }

  override label(): string {
    return 'anon_inode:[fanotify]';
  }

  override signalsReadiness(): boolean {
    return true;
  }

  override read(file: FileDescription, io: IoSegments): number {
    return (file.data as FanotifyGroup).read(io);
  }

  override write(file: FileDescription, io: IoSegments): number {
    if (io.total < RESPONSE_SIZE) return -EINVAL;
    const bytes = new Uint8Array(RESPONSE_SIZE);
    gather(io, 0, bytes, 0, RESPONSE_SIZE);
    const view = new DataView(bytes.buffer);
    const group = file.data as FanotifyGroup;
    const response = view.getUint32(4, true);
    const fd = view.getInt32(0, true);
    const checked = checkResponse(group, response);
    if (checked !== 0) return checked;
    if ((response & FAN_INFO) !== 0) {
      if (!isAuditRule(io)) return -EINVAL;
      // Only to see whether such records are known.
      if (fd === FAN_NOFD) return io.total;
    }
    if (fd < 0) return -EINVAL;
    const error = (response & ACCESS) === FAN_ALLOW ? 0 : response >>> ERRNO_SHIFT || EPERM;
    const answered = group.answer(fd, error);
    return answered < 0 ? answered : io.total;
  }

  override poll(file: FileDescription): number {
    return (file.data as FanotifyGroup).readable ? POLLIN | POLLRDNORM : 0;
  }

  override addWaiter(file: FileDescription, entry: WaitNode): void {
    (file.data as FanotifyGroup).queue.add(entry);
  }

  override ioctl(file: FileDescription, caller: Caller, request: number, argument: number): number {
    if (request !== FIONREAD) return super.ioctl(file, caller, request, argument);
    return caller.memory.writeU32(argument, (file.data as FanotifyGroup).bytesQueued);
  }

  override release(file: FileDescription): void {
    const group = file.data as FanotifyGroup;
    const { groups, permissionGroups } = group.vfs.notify;
    const at = permissionGroups.indexOf(group);
    if (at >= 0) permissionGroups.splice(at, 1);
    const uid = file.credentials!.fsuid;
    groups.set(uid, (groups.get(uid) ?? 1) - 1);
    group.destroy();
  }
}

const FANOTIFY_OPS: FileOps = new FanotifyOps();

/** Flags were checked. `asks`: may decide about opens (FAN_CLASS_CONTENT and higher). */
export function createFanotify(
  caller: FileCaller,
  flags: number,
  eventFlags: number,
  unprivileged: boolean,
  asks: boolean,
): FileDescription | number {
  const { groups } = caller.fs.vfs.notify;
  const uid = caller.credentials.fsuid;
  const count = groups.get(uid) ?? 0;
  if (count >= MAX_GROUPS) return -EMFILE;
  groups.set(uid, count + 1);
  const group = new FanotifyGroup(caller.fs.vfs, flags, eventFlags, unprivileged);
  if (asks) caller.fs.vfs.notify.permissionGroups.push(group);
  const nonblock = (flags & FAN_NONBLOCK) !== 0 ? O_NONBLOCK : 0;
  return createAnonymousFile(caller, FANOTIFY_OPS, O_RDWR | nonblock, group);
}

export function fanotifyOf(file: FileDescription): FanotifyGroup | null {
  return file.ops === FANOTIFY_OPS ? (file.data as FanotifyGroup) : null;
}
