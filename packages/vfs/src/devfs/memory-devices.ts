// null(4), zero(4), full(4), random(4), urandom(4), kmsg: the character devices of major 1 that need no hardware.
import { EINVAL, ENOSPC } from '@sandbox-kernel/abi';
import type { Backing, Caller, IoSegments, Mappable, RandomSource } from '@sandbox-kernel/contracts';
import { FMODE_SEEK } from '../constants.js';
import type { DeviceDriver } from '../device-registry.js';
import type { FileDescription } from '../file-description.js';
import { FileOps } from '../file-ops.js';
import { scatterZeros } from '../segments.js';
import type { Vfs } from '../vfs.js';

const RNDGETENTCNT = 0x80045200;
const ENTROPY_BITS = 256;

class NullOps extends FileOps {
  override read(): number {
    return 0;
  }

  override write(_file: FileDescription, io: IoSegments): number {
    return io.total;
  }

  override pollable(): boolean {
    return false;
  }

  override size(): number {
    return 0;
  }

  override ignoresSeek(): boolean {
    return true;
  }

  override sync(): number {
    return -EINVAL;
  }
}

class ZeroOps extends NullOps {
  override read(_file?: FileDescription, io?: IoSegments): number {
    return io === undefined ? 0 : scatterZeros(io, 0, io.total);
  }

  override mappable(): Mappable {
    return ANONYMOUS_MAPPING;
  }
}

class FullOps extends ZeroOps {
  override write(): number {
    return -ENOSPC;
  }

  override mappable(): never {
    return null as never;
  }
}

class RandomOps extends NullOps {
  override read(file?: FileDescription, io?: IoSegments): number {
    if (file === undefined || io === undefined) return 0;
    const random = file.data as RandomSource;
    for (let i = 0; i < io.count; i++) random.fill(io.arrays[i]!, io.starts[i]!, io.lengths[i]!);
    return io.total;
  }

  override ioctl(_file: FileDescription, caller: Caller, request: number, argument: number): number {
    if (request >>> 0 === RNDGETENTCNT) return caller.memory.writeU32(argument, ENTROPY_BITS);
    return -EINVAL;
  }
}

/** Private mappings of /dev/zero are anonymous memory; mm looks at `anonymous` and asks nothing else. */
class AnonymousMapping implements Mappable {
  readonly anonymous = true;
  readonly deviceMajor = 0;
  readonly deviceMinor = 5;
  readonly inode = 0;

  translate(_offset: number, _length: number, _write: boolean, _out: Backing): number {
    return -EINVAL;
  }

  readAt(): number {
    return -EINVAL;
  }

  writeAt(): number {
    return -EINVAL;
  }

  addMapping(): void {}

  removeMapping(): void {}

  sync(): number {
    return 0;
  }

  mapName(): string {
    return '/dev/zero (deleted)';
  }
}

const ANONYMOUS_MAPPING = new AnonymousMapping();

class MemoryDriver implements DeviceDriver {
  private readonly ops: FileOps;
  private readonly data: unknown;

  constructor(ops: FileOps, data: unknown) {
    this.ops = ops;
    this.data = data;
  }

  open(file: FileDescription): number {
    file.ops = this.ops;
    file.data = this.data;
    file.mode |= FMODE_SEEK;
    return 0;
  }
}

export function registerMemoryDevices(vfs: Vfs): void {
  const devices = vfs.devices;
  devices.registerCharacter(1, 3, new MemoryDriver(new NullOps(), null));
  devices.registerCharacter(1, 5, new MemoryDriver(new ZeroOps(), null));
  devices.registerCharacter(1, 7, new MemoryDriver(new FullOps(), null));
  const random = new MemoryDriver(new RandomOps(), vfs.random);
  devices.registerCharacter(1, 8, random);
  devices.registerCharacter(1, 9, random);
}
