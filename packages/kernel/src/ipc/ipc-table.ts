// Identifiers of one kind of System V object. An id is an index with a sequence number above it, so that the id of an object that is gone
// is not soon that of another one.
import { EEXIST, EINVAL, ENOENT, ENOSPC, IPC_CREAT, IPC_EXCL, IPC_PRIVATE } from '@sandbox-kernel/abi';
import type { Credentials } from '../credentials/credentials.js';
import type { IpcObject } from './ipc-object.js';

const INDEX_BITS = 15;
const SEQUENCES = 2 ** 16;

export class IpcTable<T extends IpcObject> {
  readonly limit: number;
  /** By index; null where free. */
  readonly slots: (T | null)[];
  count: number;
  #sequence: number;
  #lastIndex: number;
  readonly #byKey: Map<number, T>;

  constructor(limit: number) {
    this.limit = limit;
    this.slots = [];
    this.count = 0;
    this.#sequence = 0;
    this.#lastIndex = -1;
    this.#byKey = new Map();
  }

  /** What `key` and flags name for get: an object; 0 when a new one is to be made; -errno. */
  find(key: number, flags: number): T | number {
    if (key === IPC_PRIVATE) return 0;
    const found = this.#byKey.get(key);
    if (found === undefined) return (flags & IPC_CREAT) === 0 ? -ENOENT : 0;
    return (flags & (IPC_CREAT | IPC_EXCL)) === (IPC_CREAT | IPC_EXCL) ? -EEXIST : found;
  }

  /** The id, or -ENOSPC. */
  add(object: T): number {
    if (this.count >= this.limit) return -ENOSPC;
    let index = this.slots.indexOf(null);
    if (index < 0) index = this.slots.length;
    if (index <= this.#lastIndex) this.#sequence = (this.#sequence + 1) % SEQUENCES;
    this.#lastIndex = index;
    this.slots[index] = object;
    this.count++;
    object.index = index;
    object.sequence = this.#sequence;
    object.id = this.#sequence * 2 ** INDEX_BITS + index;
    if (!object.isPrivate) this.#byKey.set(object.key, object);
    return object.id;
  }

  /** The object with this id, or -EINVAL. */
  get(id: number): T | number {
    const object = id < 0 ? null : this.slots[id & (2 ** INDEX_BITS - 1)];
    return object === undefined || object === null || object.id !== id ? -EINVAL : object;
  }

  /** The object that *_STAT names by index. */
  at(index: number): T | number {
    return this.slots[index & (2 ** INDEX_BITS - 1)] ?? -EINVAL;
  }

  /** Get of an existing object: its id, if the caller has the rights that the flags ask for. */
  open(object: T, who: Credentials, flags: number): number {
    const allowed = object.check(who, flags);
    return allowed < 0 ? allowed : object.id;
  }

  /** Its key finds it no more. */
  forgetKey(object: T): void {
    if (this.#byKey.get(object.key) === object) this.#byKey.delete(object.key);
    object.key = IPC_PRIVATE;
  }

  remove(object: T): void {
    if (object.removed) return;
    object.removed = true;
    this.forgetKey(object);
    this.slots[object.index] = null;
    this.count--;
    while (this.slots.length > 0 && this.slots[this.slots.length - 1] === null) this.slots.length--;
  }

  /** Highest index in use, or 0: what *_INFO return. */
  get highest(): number {
    return Math.max(this.slots.length - 1, 0);
  }

  *objects(): Generator<T> {
    for (const object of this.slots) if (object !== null) yield object;
  }
}
