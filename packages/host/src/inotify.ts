// inotify(7) on host files: for trees that others change too (cache=shared).
import {
  ENAMETOOLONG,
  SYS_inotify_add_watch,
  SYS_inotify_init1,
  SYS_inotify_rm_watch,
  SYS_read,
} from '@sandbox-kernel/abi';
import { DATA, type Door, PATH_A } from './door.js';

const IN_NONBLOCK_CLOEXEC = 0o2004000;
const HEADER = 16;

export class HostInotify {
  readonly #door: Door;
  #at: number;
  #end: number;
  /** Fields of the event that `next` moved to. */
  watch: number;
  mask: number;
  cookie: number;
  name: string;

  constructor(door: Door) {
    this.#door = door;
    this.#at = 0;
    this.#end = 0;
    this.watch = 0;
    this.mask = 0;
    this.cookie = 0;
    this.name = '';
  }

  /** A non-blocking inotify descriptor, or -errno. */
  open(): number {
    return this.#door.call(SYS_inotify_init1, 0, IN_NONBLOCK_CLOEXEC, 0, 0, 0, 0, 0);
  }

  /** Watch descriptor or -errno. To watch what an O_PATH descriptor names, give `/proc/self/fd/N`. */
  add(fd: number, path: string, mask: number): number {
    if (!this.#door.putString(PATH_A, path, 4096)) return -ENAMETOOLONG;
    return this.#door.call(SYS_inotify_add_watch, 2, fd, PATH_A, mask, 0, 0, 0);
  }

  remove(fd: number, watch: number): number {
    return this.#door.call(SYS_inotify_rm_watch, 0, fd, watch, 0, 0, 0, 0);
  }

  /** Reads a batch of events. Bytes, -EAGAIN when there is none, or another -errno. */
  fill(fd: number): number {
    const result = this.#door.call(SYS_read, 2, fd, DATA, 16384, 0, 0, 0);
    this.#at = DATA;
    this.#end = DATA + Math.max(0, result);
    return result;
  }

  /** Moves to the next event of the batch; false when there is none left. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const { view, bytes } = this.#door;
    const at = this.#at;
    const length = view.getUint32(at + 12, true);
    this.watch = view.getInt32(at, true);
    this.mask = view.getUint32(at + 4, true);
    this.cookie = view.getUint32(at + 8, true);
    let end = at + HEADER;
    while (end < at + HEADER + length && bytes[end] !== 0) end++;
    this.name = this.#door.getString(at + HEADER, end - at - HEADER);
    this.#at = at + HEADER + length;
    return true;
  }
}
