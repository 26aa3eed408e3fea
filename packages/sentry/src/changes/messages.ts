// What the host API asks about the changes of a sandbox's root, and what it gets. Strings that name files hold one character per byte.

/** A snapshot is a list of changes that stays the same while the API reads it page by page. */
export type ChangeRequest =
  | { readonly op: 'open'; readonly expand: boolean; readonly paths: readonly string[] }
  | { readonly op: 'page'; readonly snapshot: number; readonly from: number }
  | {
      readonly op: 'read';
      readonly snapshot: number;
      readonly index: number;
      readonly side: ChangeSide;
      readonly offset: number;
      readonly length: number;
    }
  | { readonly op: 'extents'; readonly snapshot: number; readonly index: number; readonly from: number }
  | { readonly op: 'applied'; readonly snapshot: number; readonly indexes: readonly number[] }
  | { readonly op: 'close'; readonly snapshot: number }
  | { readonly op: 'discard'; readonly paths: readonly string[] };

export type ChangeSide = 'before' | 'after';
export type ChangedPart = 'type' | 'content' | 'mode' | 'owner' | 'xattrs' | 'times';

export interface WireAttributes {
  /** Type and permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly mtimeNanos: number;
  readonly major: number;
  readonly minor: number;
  /** Text of a symbolic link. */
  readonly target: string;
  /** Name and value in base64. */
  readonly xattrs: readonly (readonly [string, string])[];
}

export interface WireIdentity {
  readonly number: number;
  readonly mode: number;
  readonly size: number;
  readonly mtime: number;
  readonly mtimeNanos: number;
  readonly ctime: number;
  readonly ctimeNanos: number;
}

export interface WireChange {
  readonly path: string;
  readonly kind: 'added' | 'modified' | 'deleted';
  readonly opaque: boolean;
  readonly changed: readonly ChangedPart[];
  readonly before: WireAttributes | null;
  readonly after: WireAttributes | null;
  readonly origin: WireIdentity | null;
  readonly coveredAt: number;
  /** Index of the first change that is the same file (hard link), or -1. */
  readonly linkOf: number;
}

export const PAGE_CHANGES = 500;
export const READ_LIMIT = 512 * 1024;
export const EXTENTS_LIMIT = 1000;
