// Operations that node:fs has no words for: renameat2(2) with flags and extended attributes. Mixed with those of operations.ts; whoever runs
// them on the host says how.
import { errnoName, RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from '@sandbox-kernel/abi';
import {
  type FileCaller,
  getXattr,
  listXattrs,
  removeXattr,
  renameFile,
  setXattr,
} from '@sandbox-kernel/vfs';
import fc from 'fast-check';
import { type Operation, type Outcome, operation, path, runHere, runThere } from './operations.js';

const CWD = -100;
const NOFOLLOW = 0x100;

export type ExtendedOperation =
  | Operation
  | { readonly kind: 'rename2'; readonly path: string; readonly to: string; readonly flags: number }
  | {
      readonly kind: 'setxattr';
      readonly path: string;
      readonly name: string;
      readonly value: string;
      readonly flags: number;
    }
  | { readonly kind: 'getxattr' | 'removexattr'; readonly path: string; readonly name: string }
  | { readonly kind: 'listxattr'; readonly path: string };

/** The host's calls, by path and not following a link at its end; -errno. */
export interface NativeCalls {
  rename(from: string, to: string, flags: number): number;
  setXattr(path: string, name: string, value: Uint8Array, flags: number): number;
  getXattr(path: string, name: string): Uint8Array | number;
  removeXattr(path: string, name: string): number;
  listXattr(path: string): readonly string[] | number;
}

const attribute = fc.constantFrom('user.a', 'user.a', 'user.b', 'trusted.t', 'user.', 'bogus.x', 'none');
const short = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('', '', '/a', '/b'));
/** Seldom an error: the ones of `path` nearly always are. */
const near = fc.oneof(
  path,
  short.map(([top, below]) => `/${top}${below}`),
  short.map(([top, below]) => `/${top}${below}`),
);

export const extendedOperation: fc.Arbitrary<ExtendedOperation> = fc.oneof(
  { weight: 6, arbitrary: operation as fc.Arbitrary<ExtendedOperation> },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('rename2' as const),
      path: near,
      to: near,
      flags: fc.constantFrom(0, RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_EXCHANGE, RENAME_WHITEOUT, 3, 8),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('setxattr' as const),
      path: near,
      name: attribute,
      value: fc.constantFrom('', '1', 'twenty characters...'),
      flags: fc.constantFrom(0, 0, 1, 2),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('getxattr' as const, 'removexattr' as const),
      path: near,
      name: attribute,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('listxattr' as const), path: near }) },
);

function outcome(result: Uint8Array | readonly string[] | string | number): Outcome {
  if (typeof result === 'number') return result < 0 ? errnoName(-result) : 'ok';
  if (typeof result === 'string') return outcome(result.split('\0').filter((name) => name !== ''));
  if (result instanceof Uint8Array) return `"${String.fromCharCode(...result)}"`;
  return [...result]
    .filter((name) => !name.startsWith('security.'))
    .sort()
    .join(' ');
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

export function runExtendedHere(caller: FileCaller, at: string, op: ExtendedOperation): Outcome {
  const where = 'path' in op ? at + op.path : at;
  switch (op.kind) {
    case 'rename2':
      return outcome(renameFile(caller, CWD, where, CWD, at + op.to, op.flags));
    case 'setxattr':
      return outcome(setXattr(caller, CWD, where, op.name, bytes(op.value), op.flags, NOFOLLOW));
    case 'getxattr':
      return outcome(getXattr(caller, CWD, where, op.name, NOFOLLOW));
    case 'removexattr':
      return outcome(removeXattr(caller, CWD, where, op.name, NOFOLLOW));
    case 'listxattr':
      return outcome(listXattrs(caller, CWD, where, NOFOLLOW));
    default:
      return runHere(caller, at, op);
  }
}

export function runExtendedThere(at: string, op: ExtendedOperation, native: NativeCalls): Outcome {
  const where = 'path' in op ? at + op.path : at;
  switch (op.kind) {
    case 'rename2':
      return outcome(native.rename(where, at + op.to, op.flags));
    case 'setxattr':
      return outcome(native.setXattr(where, op.name, bytes(op.value), op.flags));
    case 'getxattr':
      return outcome(native.getXattr(where, op.name));
    case 'removexattr':
      return outcome(native.removeXattr(where, op.name));
    case 'listxattr':
      return outcome(native.listXattr(where));
    default:
      return runThere(at, op);
  }
}
