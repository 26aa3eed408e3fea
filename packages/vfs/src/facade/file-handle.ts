// An open file of the facade: as node:fs/promises' FileHandle, on Uint8Array.
import type { FileDescription } from '../file-description.js';
import type { FileCaller } from '../fs-context.js';
import { changeModeOf, changeOwnerOf, setTimesOf, truncateFile } from '../ops/attributes.js';
import { readFile, readFileAt, syncFile, writeFile, writeFileAt } from '../ops/read-write.js';
import { statFile } from '../ops/stat.js';
import { ByteSegments } from '../segments.js';
import { StatData } from '../stat.js';
import { check } from './file-system-error.js';
import { Stats } from './stats.js';
import { toBytes } from './utf8.js';

/** Seconds since 1970, or a date. */
export type Moment = number | Date;

export function splitMoment(moment: Moment): [number, number] {
  const seconds = typeof moment === 'number' ? moment : moment.getTime() / 1000;
  const whole = Math.floor(seconds);
  return [whole, Math.round((seconds - whole) * 1e9)];
}

const STEP = 65536;

export class FileHandle implements AsyncDisposable {
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

  async datasync(): Promise<void> {
    check(syncFile(this.file, true), 'fdatasync', this.path);
  }

  async chmod(mode: number): Promise<void> {
    check(changeModeOf(this.caller, this.file, mode), 'fchmod', this.path);
  }

  async chown(uid: number, gid: number): Promise<void> {
    check(changeOwnerOf(this.caller, this.file, uid, gid), 'fchown', this.path);
  }

  async utimes(atime: Moment, mtime: Moment): Promise<void> {
    const [access, accessNanos] = splitMoment(atime);
    const [modify, modifyNanos] = splitMoment(mtime);
    const result = setTimesOf(this.caller, this.file, access, accessNanos, modify, modifyNanos);
    check(result, 'futimes', this.path);
  }

  /** From where the last read ended to the end of the file. */
  async readFile(): Promise<Uint8Array> {
    let all = new Uint8Array(0);
    for (;;) {
      const { bytesRead, buffer } = await this.read(new Uint8Array(STEP));
      if (bytesRead === 0) return all;
      const longer = new Uint8Array(all.length + bytesRead);
      longer.set(all);
      longer.set(buffer.subarray(0, bytesRead), all.length);
      all = longer;
    }
  }

  async writeFile(data: Uint8Array | string): Promise<void> {
    const bytes =
      typeof data === 'string' ? Uint8Array.from(toBytes(data), (char) => char.charCodeAt(0)) : data;
    for (let done = 0; done < bytes.length; )
      done += (await this.write(bytes, done, bytes.length - done)).bytesWritten;
  }

  async appendFile(data: Uint8Array | string): Promise<void> {
    await this.writeFile(data);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async close(): Promise<void> {
    if (this.open) this.file.release();
    this.open = false;
  }
}
