// What the host application and the sentry say to each other. Plain JSON; descriptors are indexes into those that came with
// the frame (SCM_RIGHTS).

import type { ChangeRequest } from '../changes/messages.js';
import type { NetworkNotice, NetworkRequest, NetworkSpec } from './network-messages.js';

export type PlatformName = 'auto' | 'ptrace' | 'systrap';
/** When a place that makes system calls is patched. */
export type PatchingName = 'off' | 'first' | 'hot';

export interface MountSpec {
  /** Host directory or file (bind), a CommonJS module (module), or absent for tmpfs. */
  readonly source?: string;
  /** Absolute path in the sandbox. */
  readonly target: string;
  /**
   * `module`: a filesystem of your own. The module exports `createFilesystem(vfs, kit)`, which gives a Superblock; `kit` is everything
   * that @sandbox-kernel/vfs exports. It runs inside the sentry, with the rights of the sentry.
   */
  readonly type: 'bind' | 'tmpfs' | 'module';
  readonly readOnly?: boolean;
  /** tmpfs: bytes. */
  readonly size?: number;
}

/** Virtual time. */
export interface TimeSpec {
  /** Where the wall clock starts: since the epoch. */
  readonly seconds: number;
  readonly nanos: number;
  /** Times the host's speed; 0: it moves when it is read, and to the next timer when every program waits. */
  readonly scale: number;
}

/** What a sandbox is made of. */
export interface SandboxSpec {
  readonly platform: PlatformName;
  readonly patching: PatchingName;
  /** Host directory that becomes the root. */
  readonly root: string;
  /** `overlay`: changes stay in memory. `read-only`: writes fail with EROFS. */
  readonly rootMode: 'overlay' | 'read-only';
  readonly mounts: readonly MountSpec[];
  readonly hostname: string;
  /** Bytes of application memory; 0 for no cap. */
  readonly memoryLimit: number;
  /** Tasks; 0 for the default. */
  readonly pidsLimit: number;
  /** System call names to trace; ["all"] for all; empty for none. */
  readonly strace: readonly string[];
  /** Index of the descriptor that trace lines go to, or -1. */
  readonly straceFd: number;
  readonly network: NetworkSpec;
  /** null: the host's. */
  readonly time: TimeSpec | null;
  /** Of every random number in the sandbox; below 0: the host's randomness. */
  readonly seed: number;
}

export interface ProcessSpec {
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** Indexes of stdin, stdout and stderr among the frame's descriptors; -1 gives /dev/null. */
  readonly stdio: readonly [number, number, number];
  /** A pty of this size becomes the controlling terminal and all three streams; stdio[0] is then the host side to relay. */
  readonly terminal?: { readonly rows: number; readonly columns: number };
}

/** Whom a signal is for: the process, its process group, it and all that come from it, or every process. */
export type SignalScope = 'process' | 'group' | 'tree' | 'all';

export interface Usage {
  readonly userMs: number;
  readonly systemMs: number;
  readonly maxRssBytes: number;
}

export type Request =
  | { readonly id: number; readonly call: 'boot'; readonly spec: SandboxSpec }
  | { readonly id: number; readonly call: 'spawn'; readonly process: ProcessSpec }
  | {
      readonly id: number;
      readonly call: 'signal';
      readonly pid: number;
      readonly signal: number;
      readonly scope: SignalScope;
    }
  | {
      readonly id: number;
      readonly call: 'resize';
      readonly pid: number;
      readonly rows: number;
      readonly columns: number;
    }
  | NetworkRequest
  | { readonly id: number; readonly call: 'changes'; readonly request: ChangeRequest }
  | { readonly id: number; readonly call: 'stats'; readonly collect: boolean }
  | { readonly id: number; readonly call: 'close' };

export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly errno?: string;
  readonly path?: string;
}

export type Reply =
  | { readonly id: number; readonly ok: unknown }
  | { readonly id: number; readonly error: WireError };

export type Notice =
  | {
      readonly event: 'exit';
      readonly pid: number;
      readonly exitCode: number | null;
      readonly signal: number | null;
      readonly usage: Usage;
    }
  | { readonly event: 'oom'; readonly pid: number; readonly note: string }
  | NetworkNotice
  | { readonly event: 'fatal'; readonly message: string; readonly report: string };
