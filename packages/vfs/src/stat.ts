// The values behind stat(2), statx(2) and statfs(2), as plain numbers. Callers own one object and have it overwritten.

export class StatData {
  /** st_dev, as makedev(). */
  device = 0;
  inode = 0;
  mode = 0;
  links = 0;
  uid = 0;
  gid = 0;
  /** st_rdev. */
  rdev = 0;
  size = 0;
  blockSize = 4096;
  /** Units of 512 bytes. */
  blocks = 0;
  atime = 0;
  atimeNanos = 0;
  mtime = 0;
  mtimeNanos = 0;
  ctime = 0;
  ctimeNanos = 0;
  btime = 0;
  btimeNanos = 0;
  /** statx: stx_mnt_id. */
  mountId = 0;
  /** statx: STATX_ATTR_* set, and those that the filesystem knows. */
  attributes = 0;
  attributesMask = 0;
  /** statx: which of STATX_* are valid. */
  mask = 0;
  /** statx: times of change are looked up only for those who ask. */
  preciseTimes = false;
}

export class StatfsData {
  /** The magic number. */
  type = 0;
  blockSize = 4096;
  blocks = 0;
  blocksFree = 0;
  blocksAvailable = 0;
  files = 0;
  filesFree = 0;
  /** f_fsid, two words. */
  fsid0 = 0;
  fsid1 = 0;
  nameLength = 255;
  fragmentSize = 4096;
  /** ST_* flags, from the mount. */
  flags = 0;
}
