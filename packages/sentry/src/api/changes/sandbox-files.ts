// `sandbox.fs`: what programs changed in the sandbox's root, and what becomes of it. Programs may run meanwhile; a list of changes stays
// as it was, file contents are those of the moment they are read. What does the work is loaded when it is wanted.
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SandboxOptionError } from '../errors.js';
import { refuseUnknownKeys } from '../option-checks.js';
import type { ApplyReport } from './apply.js';
import type { ArchiveFormat, ExportReport } from './archive.js';
import { type AskChanges, ChangeSnapshot } from './change-snapshot.js';
import { type FileChange, fileChange } from './file-change.js';
import { latin1 } from './host-tree.js';

export interface ChangesOptions {
  /** Only changes at or below these absolute paths of the sandbox. Default: all. */
  readonly paths?: readonly string[];
  /** List what removed directories held, too. Default false: the directory only. */
  readonly expand?: boolean;
}

export interface DiffOptions {
  readonly paths?: readonly string[];
  /** Only what lies below this directory, with names relative to it. Default `/`. */
  readonly base?: string;
}

export interface ApplyOptions {
  readonly paths?: readonly string[];
  /** Look for conflicts and report, change nothing. */
  readonly dryRun?: boolean;
  /** Also where the host has changed since. Default: such changes are refused, all together. */
  readonly overwrite?: boolean;
  /** Also device nodes, set-id bits and file capabilities. Default false: programs in the sandbox are not trusted. */
  readonly privileged?: boolean;
  /** Host directory that stands for `/`. Default: the one the sandbox was made from. */
  readonly root?: string;
}

export interface DiscardOptions {
  readonly paths?: readonly string[];
}

export interface ExportOptions {
  readonly paths?: readonly string[];
  /** `tar`: what is new or different. `oci`: an image layer, which also says what is gone. Default `tar`. */
  readonly format?: ArchiveFormat;
  readonly gzip?: boolean;
  /** As in a diff. */
  readonly base?: string;
}

const CHANGES_KEYS = ['paths', 'expand'] as const;
const DIFF_KEYS = ['paths', 'base'] as const;
const APPLY_KEYS = ['paths', 'dryRun', 'overwrite', 'privileged', 'root'] as const;
const DISCARD_KEYS = ['paths'] as const;
const EXPORT_KEYS = ['paths', 'format', 'gzip', 'base'] as const;

export class SandboxFiles {
  readonly #ask: AskChanges;
  readonly #root: string;

  /** @param root host directory that the sandbox shows as `/` */
  constructor(ask: AskChanges, root: string) {
    this.#ask = ask;
    this.#root = root;
  }

  /** What is new, different or gone; parents before children. */
  async changes(options: ChangesOptions = {}): Promise<FileChange[]> {
    refuseUnknownKeys(options, CHANGES_KEYS, 'changes');
    return this.#with(options.paths, options.expand === true, async ({ changes }) => changes.map(fileChange));
  }

  /** A unified diff that git apply(1) takes. Binary files are only named. */
  async diff(options: DiffOptions = {}): Promise<Buffer> {
    refuseUnknownKeys(options, DIFF_KEYS, 'diff');
    const base = basePath(options.base);
    const { diffOf } = await import('./diff.js');
    const pieces: Buffer[] = [];
    await this.#with(below(base, options.paths), true, async (snapshot) => {
      for await (const piece of diffOf(within(snapshot, base), base)) pieces.push(piece);
    });
    return Buffer.concat(pieces);
  }

  /** Carries the changes out on the host: all, or, when it rejects, none. */
  async apply(options: ApplyOptions = {}): Promise<ApplyReport> {
    refuseUnknownKeys(options, APPLY_KEYS, 'apply');
    const { applyChanges } = await import('./apply.js');
    const plan = {
      root: options.root ?? this.#root,
      dryRun: options.dryRun === true,
      overwrite: options.overwrite === true,
      privileged: options.privileged === true,
    };
    return this.#with(options.paths, false, (snapshot) => applyChanges(snapshot, plan));
  }

  /** Forgets the changes: the sandbox shows the host's files again. Resolves with the number of names kept because something is mounted there. */
  async discard(options: DiscardOptions = {}): Promise<number> {
    refuseUnknownKeys(options, DISCARD_KEYS, 'discard');
    return (await this.#ask({ op: 'discard', paths: wirePaths(options.paths) })) as number;
  }

  /** Writes an archive to a stream and ends it. */
  async export(to: Writable, options: ExportOptions = {}): Promise<ExportReport> {
    refuseUnknownKeys(options, EXPORT_KEYS, 'export');
    const base = basePath(options.base);
    const { archiveOf } = await import('./archive.js');
    const { createGzip } = await import('node:zlib');
    const skipped: { path: string; reason: string }[] = [];
    await this.#with(below(base, options.paths), false, async (snapshot) => {
      const pieces = archiveOf(within(snapshot, base), options.format ?? 'tar', base, skipped);
      const source = Readable.from(pieces);
      if (options.gzip === true) await pipeline(source, createGzip(), to);
      else await pipeline(source, to);
    });
    return { skipped };
  }

  async #with<T>(
    paths: readonly string[] | undefined,
    expand: boolean,
    use: (snapshot: ChangeSnapshot) => Promise<T>,
  ): Promise<T> {
    const snapshot = await ChangeSnapshot.open(this.#ask, wirePaths(paths), expand);
    try {
      return await use(snapshot);
    } finally {
      await snapshot.close();
    }
  }
}

/** Without slashes at the end; '' for the root. */
function cleanPath(path: string): string {
  if (path.startsWith('/') && !path.split('/').some((part) => part === '.' || part === '..'))
    return path.replace(/\/+/g, '/').replace(/\/$/, '');
  throw new SandboxOptionError('ERR_SANDBOX_OPTION', `'${path}' is not an absolute path without dots`, {
    hint: 'give the path inside the sandbox, from /',
  });
}

function wirePaths(paths: readonly string[] | undefined): string[] {
  const clean = (paths ?? []).map((path) => latin1(cleanPath(path)));
  return clean.includes('') ? [] : clean;
}

function basePath(base: string | undefined): string {
  return latin1(cleanPath(base ?? '/'));
}

function below(base: string, paths: readonly string[] | undefined): readonly string[] | undefined {
  if (paths !== undefined || base === '') return paths;
  return [Buffer.from(base, 'latin1').toString('utf8')];
}

/** Without changes outside of `base`, and `base` itself: they have no name relative to it. */
function within(snapshot: ChangeSnapshot, base: string): ChangeSnapshot {
  return base === '' ? snapshot : snapshot.select((change) => change.path.startsWith(`${base}/`));
}
