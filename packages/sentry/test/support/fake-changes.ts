// Stands in for the sentry: a list of changes with contents, to drive the host side without a sandbox.

import type { AskChanges } from '../../src/api/changes/change-snapshot.js';
import type { ChangeRequest, WireAttributes, WireChange } from '../../src/changes/messages.js';

export interface FakeChange extends Partial<WireChange> {
  readonly path: string;
  readonly content?: Buffer;
}

export function attributes(mode: number, more: Partial<WireAttributes> = {}): WireAttributes {
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const rest = { size: 0, mtime: 1_700_000_000, mtimeNanos: 5, major: 0, minor: 0, target: '', xattrs: [] };
  return { mode, ...owner, ...rest, ...more };
}

export function wire(change: FakeChange): WireChange {
  const after = attributes(0o100644, { size: change.content?.length ?? 0 });
  const rest = { opaque: false, changed: [], before: null, origin: null, coveredAt: 0, linkOf: -1 };
  const { content: _unused, ...given } = change;
  return { kind: 'added', after, ...rest, ...given };
}

/** `onRead` is called before contents are given: a test changes the host behind the back of an application here. */
export function fakeSentry(
  changes: readonly FakeChange[],
  onRead: (path: string) => void = () => {},
): AskChanges {
  return async (request: ChangeRequest) => {
    switch (request.op) {
      case 'open':
        return { snapshot: 1, count: changes.length };
      case 'page':
        return changes.slice(request.from).map(wire);
      case 'read': {
        const change = changes[request.index] as FakeChange;
        onRead(change.path);
        const content = change.content ?? Buffer.alloc(0);
        return content.subarray(request.offset, request.offset + request.length).toString('base64');
      }
      case 'extents': {
        const { content } = changes[request.index] as FakeChange;
        return request.from > 0 || content === undefined || content.length === 0 ? [] : [0, content.length];
      }
      default:
        return null;
    }
  };
}
