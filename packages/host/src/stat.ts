// statx(2) into plain numbers, with newfstatat(2) where the host hides statx; statfs(2). The result object belongs to the caller
// and is overwritten by each call: nothing is allocated.
import {
  AT_EMPTY_PATH,
  ENAMETOOLONG,
  ENOSYS,
  EPERM,
  SYS_fstatfs,
  SYS_newfstatat,
  SYS_statx,
} from '@sandbox-kernel/abi';
import { DATA, type Door, PATH_A } from './door.js';

const PATH_MAX = 4096;
const STATX_BASIC_AND_BTIME = 0xfff;
const TWO_32 = 2 ** 32;

export class HostStat {
  mode = 0;
  nlink = 0;
  uid = 0;
  gid = 0;
  /** Exact below 2^53. */
  ino = 0;
  size = 0;
  blocks = 0;
  blockSize = 0;
  deviceMajor = 0;
  deviceMinor = 0;
  rdevMajor = 0;
  rdevMinor = 0;
  accessSeconds = 0;
  accessNanos = 0;
  modifySeconds = 0;
  modifyNanos = 0;
  changeSeconds = 0;
  changeNanos = 0;
  /** 0 where the filesystem does not keep it. */
  birthSeconds = 0;
  birthNanos = 0;
}

export class HostStatfs {
  type = 0;
  blockSize = 0;
  blocks = 0;
  blocksFree = 0;
  blocksAvailable = 0;
  files = 0;
  filesFree = 0;
  idLow = 0;
  idHigh = 0;
  nameLength = 0;
  fragmentSize = 0;
  flags = 0;
}

export class HostStats {
  readonly #door: Door;
  #statxMissing: boolean;

  constructor(door: Door) {
    this.#door = door;
    this.#statxMissing = false;
  }

  /** Status of what `path` names; of the descriptor itself when the path is empty and flags have AT_EMPTY_PATH. 0 or -errno. */
  stat(directory: number, path: string, flags: number, out: HostStat): number {
    if (!this.#door.putString(PATH_A, path, PATH_MAX)) return -ENAMETOOLONG;
    if (!this.#statxMissing) {
      const result = this.#door.call(SYS_statx, 18, directory, PATH_A, flags, STATX_BASIC_AND_BTIME, DATA, 0);
      if (result === 0) this.#fromStatx(out);
      if (result !== -ENOSYS && result !== -EPERM) return result;
    }
    const result = this.#door.call(SYS_newfstatat, 6, directory, PATH_A, DATA, flags, 0, 0);
    if (result === 0) {
      this.#statxMissing = true;
      this.#fromStat(out);
    }
    return result;
  }

  /** Status of an open descriptor (O_PATH included). */
  fstat(fd: number, out: HostStat): number {
    return this.stat(fd, '', AT_EMPTY_PATH, out);
  }

  statfs(fd: number, out: HostStatfs): number {
    const result = this.#door.call(SYS_fstatfs, 2, fd, DATA, 0, 0, 0, 0);
    if (result !== 0) return result;
    const { view } = this.#door;
    out.type = this.#long(0);
    out.blockSize = this.#long(8);
    out.blocks = this.#long(16);
    out.blocksFree = this.#long(24);
    out.blocksAvailable = this.#long(32);
    out.files = this.#long(40);
    out.filesFree = this.#long(48);
    out.idLow = view.getUint32(DATA + 56, true);
    out.idHigh = view.getUint32(DATA + 60, true);
    out.nameLength = this.#long(64);
    out.fragmentSize = this.#long(72);
    out.flags = this.#long(80);
    return 0;
  }

  #long(at: number): number {
    const { view } = this.#door;
    return view.getInt32(DATA + at + 4, true) * TWO_32 + view.getUint32(DATA + at, true);
  }

  #fromStatx(out: HostStat): void {
    const { view } = this.#door;
    out.blockSize = view.getUint32(DATA + 4, true);
    out.nlink = view.getUint32(DATA + 16, true);
    out.uid = view.getUint32(DATA + 20, true);
    out.gid = view.getUint32(DATA + 24, true);
    out.mode = view.getUint16(DATA + 28, true);
    out.ino = this.#long(32);
    out.size = this.#long(40);
    out.blocks = this.#long(48);
    out.accessSeconds = this.#long(64);
    out.accessNanos = view.getUint32(DATA + 72, true);
    out.birthSeconds = this.#long(80);
    out.birthNanos = view.getUint32(DATA + 88, true);
    out.changeSeconds = this.#long(96);
    out.changeNanos = view.getUint32(DATA + 104, true);
    out.modifySeconds = this.#long(112);
    out.modifyNanos = view.getUint32(DATA + 120, true);
    out.rdevMajor = view.getUint32(DATA + 128, true);
    out.rdevMinor = view.getUint32(DATA + 132, true);
    out.deviceMajor = view.getUint32(DATA + 136, true);
    out.deviceMinor = view.getUint32(DATA + 140, true);
  }

  #fromStat(out: HostStat): void {
    const { view } = this.#door;
    const device = view.getUint32(DATA, true);
    const rdev = view.getUint32(DATA + 40, true);
    out.deviceMajor = (device >>> 8) & 0xfff;
    out.deviceMinor = (device & 0xff) | ((device >>> 12) & 0xfff00);
    out.ino = this.#long(8);
    out.nlink = this.#long(16);
    out.mode = view.getUint32(DATA + 24, true);
    out.uid = view.getUint32(DATA + 28, true);
    out.gid = view.getUint32(DATA + 32, true);
    out.rdevMajor = (rdev >>> 8) & 0xfff;
    out.rdevMinor = (rdev & 0xff) | ((rdev >>> 12) & 0xfff00);
    out.size = this.#long(48);
    out.blockSize = this.#long(56);
    out.blocks = this.#long(64);
    out.accessSeconds = this.#long(72);
    out.accessNanos = this.#long(80);
    out.modifySeconds = this.#long(88);
    out.modifyNanos = this.#long(96);
    out.changeSeconds = this.#long(104);
    out.changeNanos = this.#long(112);
    out.birthSeconds = 0;
    out.birthNanos = 0;
  }
}
