// The keys of one sandbox: by serial, and the keyrings that processes and users have (session-keyring(7), user-keyring(7),
// process-keyring(7), thread-keyring(7)). A process without a session keyring of its own uses that of its nearest ancestor that joined
// one. Keys live as long as the sandbox; their number and size per user are limited as in /proc/sys/kernel/keys.
import { EDQUOT } from '@sandbox-kernel/abi';
import type { RandomSource } from '@sandbox-kernel/contracts';
import type { Task } from '../task.js';
import type { ThreadGroup } from '../thread-group.js';
import { Key, type KeyType, MAX_DEPTH } from './key.js';

const MAX_KEYS = 200;
const ROOT_MAX_KEYS = 20_000;
/** Bytes of names and data. */
const MAX_BYTES = 20_000;
const ROOT_MAX_BYTES = 25_000_000;
/** Possessor: all; user: view. And the same with read for keyrings that are made for a process or user. */
const DEFAULT_PERMISSIONS = 0x3f010000;
const SESSION_PERMISSIONS = 0x3f130000;
const OWN_PERMISSIONS = 0x3f1b0000;

/** What one user's keys take. */
class Usage {
  keys = 0;
  bytes = 0;

  fits(uid: number, more: number): boolean {
    return this.bytes + more <= (uid === 0 ? ROOT_MAX_BYTES : MAX_BYTES);
  }
}

export class KeyStore {
  private readonly random: RandomSource;
  private readonly keys: Map<number, Key>;
  private readonly sessions: WeakMap<ThreadGroup, Key>;
  private readonly processes: WeakMap<ThreadGroup, Key>;
  private readonly threads: WeakMap<Task, Key>;
  private readonly users: Map<number, Key>;
  private readonly userSessions: Map<number, Key>;
  private readonly usage: Map<number, Usage>;

  constructor(random: RandomSource) {
    this.random = random;
    this.keys = new Map();
    this.sessions = new WeakMap();
    this.processes = new WeakMap();
    this.threads = new WeakMap();
    this.users = new Map();
    this.userSessions = new Map();
    this.usage = new Map();
  }

  find(serial: number): Key | null {
    return this.keys.get(serial) ?? null;
  }

  /** A new key of the caller; -EDQUOT when there are too many. */
  create(task: Task, type: KeyType, description: string, permissions = DEFAULT_PERMISSIONS): Key | number {
    const { fsuid, fsgid } = task.credentials;
    const usage = this.usageOf(fsuid);
    const size = description.length + 1;
    if (usage.keys >= (fsuid === 0 ? ROOT_MAX_KEYS : MAX_KEYS) || !usage.fits(fsuid, size)) return -EDQUOT;
    usage.keys++;
    usage.bytes += size;
    const key = new Key(this.newSerial(), type, description, fsuid, fsgid, permissions);
    this.keys.set(key.serial, key);
    return key;
  }

  /** Replaces the data of a key, within its owner's limit. 0 or -EDQUOT. */
  setData(key: Key, data: Uint8Array): number {
    const usage = this.usageOf(key.uid);
    const growth = data.length - key.data.length;
    if (growth > 0 && !usage.fits(key.uid, growth)) return -EDQUOT;
    usage.bytes += growth;
    key.data = data;
    return 0;
  }

  /** KEYCTL_CHOWN: the new owner pays. */
  setOwner(key: Key, uid: number): void {
    const size = key.description.length + 1 + key.data.length;
    const before = this.usageOf(key.uid);
    const after = this.usageOf(uid);
    before.keys--;
    before.bytes -= size;
    after.keys++;
    after.bytes += size;
    key.uid = uid;
  }

  private usageOf(uid: number): Usage {
    let usage = this.usage.get(uid);
    if (usage === undefined) {
      usage = new Usage();
      this.usage.set(uid, usage);
    }
    return usage;
  }

  private newSerial(): number {
    const bytes = new Uint8Array(4);
    for (;;) {
      this.random.fill(bytes, 0, 4);
      const serial = new DataView(bytes.buffer).getUint32(0, true) & 0x3fffffff;
      if (serial > 2 && !this.keys.has(serial)) return serial;
    }
  }

  /** It can be found no more. */
  forget(key: Key): void {
    if (!this.keys.delete(key.serial)) return;
    const usage = this.usageOf(key.uid);
    usage.keys--;
    usage.bytes -= key.description.length + 1 + key.data.length;
    for (const each of this.keys.values()) if (each.links !== null) each.unlink(key);
  }

  // ── whose keyrings ──

  /** The session keyring that is in force; null before anybody made one. */
  session(task: Task): Key | null {
    for (let group: ThreadGroup | null = task.group; group !== null; group = group.parent) {
      const key = this.sessions.get(group);
      if (key !== undefined) return key;
    }
    return this.userSessions.get(task.credentials.uid) ?? null;
  }

  /** A new session keyring; `name` null for a nameless one. */
  join(task: Task, name: string | null): Key | number {
    const key = this.create(task, 'keyring', name ?? '_ses', SESSION_PERMISSIONS);
    if (typeof key !== 'number') this.sessions.set(task.group, key);
    return key;
  }

  process(task: Task, create: boolean): Key | number | null {
    return this.own(this.processes, task.group, task, '_pid', create);
  }

  thread(task: Task, create: boolean): Key | number | null {
    return this.own(this.threads, task, task, '_tid', create);
  }

  private own<T extends object>(
    table: WeakMap<T, Key>,
    owner: T,
    task: Task,
    name: string,
    create: boolean,
  ): Key | number | null {
    const known = table.get(owner);
    if (known !== undefined || !create) return known ?? null;
    const key = this.create(task, 'keyring', name, OWN_PERMISSIONS);
    if (typeof key !== 'number') table.set(owner, key);
    return key;
  }

  user(task: Task): Key | number {
    return this.ofUser(this.users, task, `_uid.${task.credentials.uid}`);
  }

  userSession(task: Task): Key | number {
    return this.ofUser(this.userSessions, task, `_uid_ses.${task.credentials.uid}`);
  }

  private ofUser(table: Map<number, Key>, task: Task, name: string): Key | number {
    const { uid } = task.credentials;
    const known = table.get(uid);
    if (known !== undefined) return known;
    const key = this.create(task, 'keyring', name, OWN_PERMISSIONS);
    if (typeof key !== 'number') table.set(uid, key);
    return key;
  }

  /** The keyrings that a search starts from: thread, process, session. */
  roots(task: Task): Key[] {
    const all = [this.thread(task, false), this.process(task, false), this.session(task)];
    return all.filter((key): key is Key => key instanceof Key);
  }

  /** Reachable from the caller's own keyrings: the possessor's rights apply. */
  possesses(task: Task, key: Key): boolean {
    return this.roots(task).some((root) => root.contains(key));
  }

  /** Rights on a key, checked as key_task_permission does. */
  allows(task: Task, key: Key, wanted: number): boolean {
    const { fsuid, fsgid, groups } = task.credentials;
    let rights = key.permissions & 0x3f;
    if (key.uid === fsuid) rights = key.permissions >>> 16;
    else if (key.gid === fsgid || groups.includes(key.gid)) rights = key.permissions >>> 8;
    if (this.possesses(task, key)) rights |= key.permissions >>> 24;
    return (rights & wanted) === wanted;
  }

  /** The first usable key of this type and name below `ring`, in breadth; null for none. */
  search(ring: Key, type: string, description: string, now: number): Key | null {
    let level: Key[] = [ring];
    for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth++) {
      const next: Key[] = [];
      for (const each of level) {
        for (const key of each.links ?? []) {
          if (key.state(now) !== 0) continue;
          if (key.type === type && key.description === description) return key;
          if (key.links !== null) next.push(key);
        }
      }
      level = next;
    }
    return null;
  }
}
