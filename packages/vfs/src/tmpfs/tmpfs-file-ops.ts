// An open regular file of tmpfs. `data` is the TmpfsFile.
import {
  EINVAL,
  EOPNOTSUPP,
  EPERM,
  F_SEAL_GROW,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
} from '@sandbox-kernel/abi';
import type { IoSegments, Mappable } from '@sandbox-kernel/contracts';
import type { FileDescription } from '../file-description.js';
import { FileOps } from '../file-ops.js';
import { placeName } from '../place-name.js';
import { stampModified, touchAtime } from '../times.js';
import type { TmpfsFile } from './tmpfs-file.js';

class TmpfsFileOps extends FileOps {
  override read(file: FileDescription, io: IoSegments, offset: number): number {
    const data = file.data as TmpfsFile;
    if (offset >= data.inodeObject.size) return 0;
    const done = data.read(io, offset);
    if (done > 0) touchAtime(file, data.inodeObject);
    return done;
  }

  override write(file: FileDescription, io: IoSegments, offset: number): number {
    const data = file.data as TmpfsFile;
    const done = data.write(io, offset);
    if (done > 0) stampModified(data.inodeObject);
    return done;
  }

  override takesNoWait(): boolean {
    return false;
  }

  override takesDirect(): boolean {
    return true;
  }

  override size(file: FileDescription): number {
    return (file.data as TmpfsFile).inodeObject.size;
  }

  override pollable(): boolean {
    return false;
  }

  override mappable(file: FileDescription): Mappable {
    const data = file.data as TmpfsFile;
    if (file.dentry !== null) data.name = placeName(file.mount, file.dentry);
    return data;
  }

  override seekExtent(file: FileDescription, offset: number, data: boolean): number {
    return (file.data as TmpfsFile).seekExtent(offset, data);
  }

  override sync(): number {
    return 0;
  }

  override allocate(file: FileDescription, mode: number, offset: number, length: number): number {
    const data = file.data as TmpfsFile;
    if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) !== 0) return -EOPNOTSUPP;
    if ((mode & FALLOC_FL_PUNCH_HOLE) !== 0) {
      if ((mode & FALLOC_FL_KEEP_SIZE) === 0) return -EOPNOTSUPP;
      return data.punch(offset, length);
    }
    return reserve(data, mode, offset, length);
  }
}

function reserve(data: TmpfsFile, mode: number, offset: number, length: number): number {
  const inode = data.inodeObject;
  const end = offset + length;
  if (length <= 0) return -EINVAL;
  const grows = (mode & FALLOC_FL_KEEP_SIZE) === 0 && end > inode.size;
  if (grows && (data.seals & F_SEAL_GROW) !== 0) return -EPERM;
  const reserved = data.reserve(offset, length);
  if (reserved !== 0) return reserved;
  if (grows) inode.size = end;
  stampModified(inode);
  return 0;
}

export const TMPFS_FILE_OPS: FileOps = new TmpfsFileOps();
