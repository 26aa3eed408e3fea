// Directory entries as node:fs gives them with `withFileTypes`.
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK } from '@sandbox-kernel/abi';

export class Dirent {
  readonly name: string;
  /** The directory that was listed. */
  readonly parentPath: string;
  private readonly type: number;

  /** `type`: S_IF*. */
  constructor(name: string, parentPath: string, type: number) {
    this.name = name;
    this.parentPath = parentPath;
    this.type = type;
  }

  isFile(): boolean {
    return this.type === S_IFREG;
  }

  isDirectory(): boolean {
    return this.type === S_IFDIR;
  }

  isSymbolicLink(): boolean {
    return this.type === S_IFLNK;
  }

  isFIFO(): boolean {
    return this.type === S_IFIFO;
  }

  isSocket(): boolean {
    return this.type === S_IFSOCK;
  }

  isCharacterDevice(): boolean {
    return this.type === S_IFCHR;
  }

  isBlockDevice(): boolean {
    return this.type === S_IFBLK;
  }
}
