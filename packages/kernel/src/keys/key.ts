// A key (keyrings(7)): a named piece of data with an owner, permissions, and an end. A keyring is a key whose data are links.
import { EKEYEXPIRED, EKEYREVOKED, ENOKEY } from '@sandbox-kernel/abi';

/** Rights, in each of the four bytes of the permission mask: possessor, user, group, others. */
export const KEY_VIEW = 1;
export const KEY_READ = 2;
export const KEY_WRITE = 4;
export const KEY_SEARCH = 8;
export const KEY_LINK = 16;
export const KEY_SETATTR = 32;

export type KeyType = 'user' | 'logon' | 'keyring';

export class Key {
  readonly serial: number;
  readonly type: KeyType;
  readonly description: string;
  uid: number;
  gid: number;
  permissions: number;
  data: Uint8Array;
  /** Null for keys that are no keyrings. In order of linking. */
  readonly links: Key[] | null;
  /** ns monotonic. */
  expiry: number;
  revoked: boolean;
  invalidated: boolean;

  constructor(
    serial: number,
    type: KeyType,
    description: string,
    uid: number,
    gid: number,
    permissions: number,
  ) {
    this.serial = serial;
    this.type = type;
    this.description = description;
    this.uid = uid;
    this.gid = gid;
    this.permissions = permissions;
    this.data = new Uint8Array(0);
    this.links = type === 'keyring' ? [] : null;
    this.expiry = Infinity;
    this.revoked = false;
    this.invalidated = false;
  }

  /** 0, or why it can't be used any more. */
  state(now: number): number {
    if (this.invalidated) return -ENOKEY;
    if (this.revoked) return -EKEYREVOKED;
    return this.expiry <= now ? -EKEYEXPIRED : 0;
  }

  /** Is `other` this keyring or somewhere below it? */
  contains(other: Key, depth = 0): boolean {
    if (this === other) return true;
    if (this.links === null || depth > MAX_DEPTH) return false;
    return this.links.some((link) => link.contains(other, depth + 1));
  }

  /** Links a key; one of the same type and name makes way. */
  link(key: Key): void {
    const links = this.links!;
    const at = links.findIndex((each) => each.type === key.type && each.description === key.description);
    if (at >= 0) links[at] = key;
    else links.push(key);
  }

  unlink(key: Key): boolean {
    const links = this.links!;
    const at = links.indexOf(key);
    if (at >= 0) links.splice(at, 1);
    return at >= 0;
  }
}

/** How deep keyrings are searched (KEYRING_SEARCH_MAX_DEPTH). */
export const MAX_DEPTH = 6;
