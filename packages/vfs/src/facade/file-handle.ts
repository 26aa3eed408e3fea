// An open file of the facade: as node:fs/promises' FileHandle, on Uint8Array.
import type { FileDescription } from '../file-description.js';
import type { FileCaller } from '../fs-context.js';
import { truncateFile } from '../ops/attributes.js';
import { readFile, readFileAt, syncFile, writeFile, writeFileAt } from '../ops/read-write.js';
import { statFile } from '../ops/stat.js';
import { ByteSegments } from '../segments.js';
import { StatData } from '../stat.js';
import { check } from './file-system-error.js';
import { Stats } from './stats.js';

export class FileHandle {
  private readonly caller: FileCaller;
  private readonly file: FileDescription;
  private readonly path: string;
  private open: boolean;

  constructor(caller: FileCaller, file: FileDescription, path: string) {
    this.caller = caller;
    this.file = file;
    this.path = path;
    this.open = true;
  }

  /** From `position`, or from where the last one ended (null). */
  async read(
    buffer: Uint8Array,
    offset = 0,
    length = buffer.length - offset,
    position: number | null = null,
  ): Promise<{ bytesRead: number; buffer: Uint8Array }> {
    const io = new ByteSegments().add(buffer, offset, length);
    const done = position === null ? readFile(this.file, io, 0) : readFileAt(this.file, io, position, 0);
    return { bytesRead: check(done, 'read', this.path), buffer };
  }

  async write(
    buffer: Uint8Array,
    offset = 0,
    length = buffer.length - offset,
    position: number | null = null,
  ): Promise<{ bytesWritten: number; buffer: Uint8Array }> {
    const io = new ByteSegments().add(buffer, offset, length);
    const limit = Number.POSITIVE_INFINITY;
    const done =
      position === null ? writeFile(this.file, io, 0, limit) : writeFileAt(this.file, io, position, 0, limit);
    return { bytesWritten: check(done, 'write', this.path), buffer };
  }

  async stat(): Promise<Stats> {
    const data = new StatData();
    check(statFile(this.file, data), 'fstat', this.path);
    return new Stats(data);
  }

  async truncate(length = 0): Promise<void> {
    check(truncateFile(this.caller, this.file, length), 'ftruncate', this.path);
  }

  async sync(): Promise<void> {
    check(syncFile(this.file, false), 'fsync', this.path);
  }

  async close(): Promise<void> {
    if (this.open) this.file.release();
    this.open = false;
  }
}
