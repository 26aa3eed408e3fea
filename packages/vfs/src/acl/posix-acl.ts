// Access control lists as values: acl(5). Parsing and writing the form that the xattrs system.posix_acl_* have, and the check of
// access. Entries are in the order that valid lists have: owner, users, group, groups, mask, others.
import { EACCES, EINVAL, EOPNOTSUPP } from '@sandbox-kernel/abi';
import type { CallerCredentials } from '@sandbox-kernel/contracts';

export const ACL_USER_OBJ = 0x01;
export const ACL_USER = 0x02;
export const ACL_GROUP_OBJ = 0x04;
export const ACL_GROUP = 0x08;
export const ACL_MASK = 0x10;
export const ACL_OTHER = 0x20;
const TAGS: readonly number[] = [ACL_USER_OBJ, ACL_USER, ACL_GROUP_OBJ, ACL_GROUP, ACL_MASK, ACL_OTHER];
const VERSION = 2;
const HEADER = 4;
const ENTRY = 8;
const NO_ID = 0xffffffff;

export interface AclEntry {
  readonly tag: number;
  permissions: number;
  /** Of named users and groups. */
  readonly id: number;
}

export type PosixAcl = readonly AclEntry[];

/** The list; null for an empty one, which removes; -EINVAL or -EOPNOTSUPP. */
export function parseAcl(value: Uint8Array): PosixAcl | null | number {
  if (value.length < HEADER) return -EINVAL;
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  if (view.getUint32(0, true) !== VERSION) return -EOPNOTSUPP;
  if ((value.length - HEADER) % ENTRY !== 0) return -EINVAL;
  const entries: AclEntry[] = [];
  for (let at = HEADER; at < value.length; at += ENTRY) {
    const tag = view.getUint16(at, true);
    if (!TAGS.includes(tag)) return -EINVAL;
    const named = tag === ACL_USER || tag === ACL_GROUP;
    const id = named ? view.getUint32(at + 4, true) : NO_ID;
    if (named && id === NO_ID) return -EINVAL;
    entries.push({ tag, permissions: view.getUint16(at + 2, true), id });
  }
  return entries.length === 0 ? null : entries;
}

export function encodeAcl(acl: PosixAcl): Uint8Array {
  const bytes = new Uint8Array(HEADER + acl.length * ENTRY);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, VERSION, true);
  acl.forEach((entry, i) => {
    const at = HEADER + i * ENTRY;
    view.setUint16(at, entry.tag, true);
    view.setUint16(at + 2, entry.permissions, true);
    view.setUint32(at + 4, entry.id, true);
  });
  return bytes;
}

/** In order, each of the three classes once, a mask where somebody is named. */
export function isValidAcl(acl: PosixAcl): boolean {
  let last = 0;
  let seen = 0;
  for (const { tag, permissions } of acl) {
    if ((permissions & ~7) !== 0 || tag < last) return false;
    const named = tag === ACL_USER || tag === ACL_GROUP;
    if (!named && (seen & tag) !== 0) return false;
    last = tag;
    seen |= tag;
  }
  const classes = ACL_USER_OBJ | ACL_GROUP_OBJ | ACL_OTHER;
  if ((seen & classes) !== classes) return false;
  return (seen & (ACL_USER | ACL_GROUP)) === 0 || (seen & ACL_MASK) !== 0;
}

/** Permission bits that stand for the list: the mask is the group's. */
export function modeOfAcl(acl: PosixAcl): number {
  let mode = 0;
  let group = 0;
  let mask = -1;
  for (const { tag, permissions } of acl) {
    if (tag === ACL_USER_OBJ) mode |= permissions << 6;
    else if (tag === ACL_OTHER) mode |= permissions;
    else if (tag === ACL_GROUP_OBJ) group = permissions;
    else if (tag === ACL_MASK) mask = permissions;
  }
  return mode | ((mask >= 0 ? mask : group) << 3);
}

/** Permission bits alone say the same. */
export function isMinimalAcl(acl: PosixAcl): boolean {
  return acl.every(({ tag }) => tag === ACL_USER_OBJ || tag === ACL_GROUP_OBJ || tag === ACL_OTHER);
}

/** The list after chmod(2). */
export function aclAfterChmod(acl: PosixAcl, mode: number): PosixAcl {
  const masked = acl.some(({ tag }) => tag === ACL_MASK);
  return acl.map(({ tag, permissions, id }) => {
    if (tag === ACL_USER_OBJ) return { tag, permissions: (mode >> 6) & 7, id };
    if (tag === ACL_OTHER) return { tag, permissions: mode & 7, id };
    const takesGroup = tag === ACL_MASK || (tag === ACL_GROUP_OBJ && !masked);
    return takesGroup ? { tag, permissions: (mode >> 3) & 7, id } : { tag, permissions, id };
  });
}

/** The list that a new file gets from its directory's default one, narrowed by the mode that it was asked for. */
export function inheritedAcl(acl: PosixAcl, mode: number): PosixAcl {
  const narrowed = aclAfterChmod(acl, mode);
  return narrowed.map((entry, i) => ({ ...entry, permissions: entry.permissions & acl[i]!.permissions }));
}

/** 0 or -EACCES. The owner was looked at by the caller. `want`: MAY_*. */
export function checkAcl(
  acl: PosixAcl,
  ownerGroup: number,
  credentials: CallerCredentials,
  want: number,
): number {
  let found = false;
  for (const entry of acl) {
    const { tag, permissions, id } = entry;
    if (tag === ACL_USER && id === credentials.fsuid) return masked(acl, permissions, want);
    if (tag === ACL_GROUP_OBJ || tag === ACL_GROUP) {
      const group = tag === ACL_GROUP ? id : ownerGroup;
      if (credentials.fsgid !== group && !credentials.groups.includes(group)) continue;
      found = true;
      if ((permissions & want) === want) return masked(acl, permissions, want);
    } else if (tag === ACL_OTHER) {
      return !found && (permissions & want) === want ? 0 : -EACCES;
    }
  }
  return -EACCES;
}

function masked(acl: PosixAcl, permissions: number, want: number): number {
  const mask = acl.find(({ tag }) => tag === ACL_MASK);
  const allowed = mask === undefined ? permissions : permissions & mask.permissions;
  return (allowed & want) === want ? 0 : -EACCES;
}
