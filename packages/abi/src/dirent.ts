// getdents64(2): file types in directory entries.
import { bytes, i64, set64, struct, u8, u16, u64 } from './layout.js';

export const DT_UNKNOWN = 0;
export const DT_FIFO = 1;
export const DT_CHR = 2;
export const DT_DIR = 4;
export const DT_BLK = 6;
export const DT_REG = 8;
export const DT_LNK = 10;
export const DT_SOCK = 12;
export const DT_WHT = 14;

// struct dirent64
export const DIRENT64_SIZE = 280;
export const DIRENT64_D_INO = 0;
export const DIRENT64_D_OFF = 8;
export const DIRENT64_D_RECLEN = 16;
export const DIRENT64_D_TYPE = 18;
export const DIRENT64_D_NAME = 19;
export const DIRENT64_LAYOUT = /* @__PURE__ */ struct('struct dirent64', DIRENT64_SIZE, {
  d_ino: u64(DIRENT64_D_INO),
  d_off: i64(DIRENT64_D_OFF),
  d_reclen: u16(DIRENT64_D_RECLEN),
  d_type: u8(DIRENT64_D_TYPE),
  d_name: bytes(DIRENT64_D_NAME, 256),
});

/** Bytes that a getdents64 record with a name of `nameLength` bytes takes, NUL and padding included. */
export function direntSize(nameLength: number): number {
  return (DIRENT64_D_NAME + nameLength + 1 + 7) & ~7;
}

/**
 * Writes one getdents64 record at `at`. `name` is one character per byte (latin1).
 * Returns its size, or 0 when it does not fit before `end` (nothing is written then).
 */
export function writeDirent(
  view: DataView,
  at: number,
  end: number,
  inode: number,
  nextOffset: number,
  type: number,
  name: string,
): number {
  const size = direntSize(name.length);
  if (size > end - at) return 0;
  set64(view, at + DIRENT64_D_INO, inode);
  set64(view, at + DIRENT64_D_OFF, nextOffset);
  view.setUint16(at + DIRENT64_D_RECLEN, size, true);
  view.setUint8(at + DIRENT64_D_TYPE, type);
  const start = at + DIRENT64_D_NAME;
  for (let i = 0; i < name.length; i++) view.setUint8(start + i, name.charCodeAt(i));
  for (let i = start + name.length; i < at + size; i++) view.setUint8(i, 0);
  return size;
}
