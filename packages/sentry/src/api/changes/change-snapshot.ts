// A list of changes as the sentry holds it, read page by page over the control channel, and the data of its files in pieces.
import type { ChangeRequest, ChangeSide, WireChange } from '../../changes/messages.js';
import { READ_LIMIT } from '../../changes/messages.js';
import { SandboxError } from '../errors.js';

/** Carries one request to the sentry. */
export type AskChanges = (request: ChangeRequest) => Promise<unknown>;

const NAME_MAX = 255;

export class ChangeSnapshot {
  readonly #ask: AskChanges;
  readonly #id: number;
  /** Parents before children, names of one directory in byte order. */
  readonly changes: readonly WireChange[];
  /** Number of each change at the sentry. */
  readonly #indexes: readonly number[];

  private constructor(
    ask: AskChanges,
    id: number,
    changes: readonly WireChange[],
    indexes: readonly number[],
  ) {
    this.#ask = ask;
    this.#id = id;
    this.changes = changes;
    this.#indexes = indexes;
  }

  /** `paths`: only changes at or below them, one character per byte. `expand`: also what removed directories held. */
  static async open(ask: AskChanges, paths: readonly string[], expand: boolean): Promise<ChangeSnapshot> {
    const opened = (await ask({ op: 'open', expand, paths })) as { snapshot: number; count: number };
    const changes: WireChange[] = [];
    while (changes.length < opened.count) {
      const page = (await ask({
        op: 'page',
        snapshot: opened.snapshot,
        from: changes.length,
      })) as WireChange[];
      if (page.length === 0) break;
      for (const change of page) {
        // The names were chosen by programs in the sandbox, and the sentry itself may have been taken over.
        if (!isPlainPath(change.path)) throw hostilePath(change.path);
        changes.push(change);
      }
    }
    const indexes = changes.map((_, index) => index);
    return new ChangeSnapshot(ask, opened.snapshot, changes, indexes);
  }

  /** The same list with only some of its changes. It ends with this one. */
  select(wanted: (change: WireChange) => boolean): ChangeSnapshot {
    const kept = this.changes.flatMap((change, at) => (wanted(change) ? [at] : []));
    const places = new Map(kept.map((old, at) => [old, at]));
    const changes = kept.map((at) => {
      const change = this.changes[at] as WireChange;
      return { ...change, linkOf: places.get(change.linkOf) ?? -1 };
    });
    const indexes = kept.map((at) => this.#indexes[at] as number);
    return new ChangeSnapshot(this.#ask, this.#id, changes, indexes);
  }

  /** Bytes of a regular file from `offset` on, at most READ_LIMIT; none at its end. */
  async read(at: number, side: ChangeSide, offset: number, length = READ_LIMIT): Promise<Buffer> {
    const snapshot = this.#id;
    const index = this.#indexes[at] as number;
    const data = await this.#ask({ op: 'read', snapshot, index, side, offset, length });
    return Buffer.from(data as string, 'base64');
  }

  /** The whole of a small file; null when it holds more than `limit` bytes. */
  async content(index: number, side: ChangeSide, limit: number): Promise<Buffer | null> {
    const pieces: Buffer[] = [];
    let total = 0;
    for (;;) {
      const piece = await this.read(index, side, total);
      if (piece.length === 0) return Buffer.concat(pieces);
      pieces.push(piece);
      total += piece.length;
      if (total > limit) return null;
    }
  }

  /** Where the file holds data: offset and length of each range. The rest are holes. */
  async *extents(position: number): AsyncGenerator<readonly [number, number]> {
    const index = this.#indexes[position] as number;
    for (let from = 0; ; ) {
      const ranges = (await this.#ask({ op: 'extents', snapshot: this.#id, index, from })) as number[];
      if (ranges.length === 0) return;
      for (let at = 0; at + 1 < ranges.length; at += 2) {
        const [offset, length] = [ranges[at] as number, ranges[at + 1] as number];
        yield [offset, length];
        if (offset + length <= from) return;
        from = offset + length;
      }
    }
  }

  /** Tells the sentry that these are on the host now. */
  async applied(positions: readonly number[]): Promise<void> {
    const indexes = positions.map((at) => this.#indexes[at] as number);
    await this.#ask({ op: 'applied', snapshot: this.#id, indexes });
  }

  async close(): Promise<void> {
    await this.#ask({ op: 'close', snapshot: this.#id }).catch(() => {});
  }
}

/** Absolute, of real names only. */
function isPlainPath(path: string): boolean {
  if (!path.startsWith('/') || path.includes('\0') || /[^\0-\xff]/.test(path)) return false;
  return path
    .slice(1)
    .split('/')
    .every((name) => name !== '' && name !== '.' && name !== '..' && name.length <= NAME_MAX);
}

function hostilePath(path: string): SandboxError {
  return new SandboxError('ERR_SANDBOX_CHANGES', `the sandbox named a change '${JSON.stringify(path)}'`, {
    hint: 'no file can have that name: the sandbox may have been taken over; do not use its files',
  });
}
