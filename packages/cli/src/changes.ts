// What `sandbox-cli run` does with the changes when the program has ended: --diff, --export, --apply.
import { accessSync, constants, createWriteStream, existsSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Writable } from 'node:stream';
import { type ArchiveFormat, nearestName, type Sandbox } from '@sandbox-kernel/sentry/run';
import type { ParsedOptions } from './parse-options.js';
import { UsageError } from './usage-error.js';

const FORMATS = ['tar', 'oci'] as const;

export interface ChangeActions {
  readonly diff: string | undefined;
  readonly apply: string | undefined;
  readonly dryRun: boolean;
  readonly overwrite: boolean;
  readonly privileged: boolean;
  readonly exportTo: string | undefined;
  readonly format: ArchiveFormat;
}

export function changeActions({ values, flags }: ParsedOptions): ChangeActions {
  const actions: ChangeActions = {
    diff: absolute('--diff', values.get('diff')),
    apply: absolute('--apply', values.get('apply')),
    dryRun: flags.has('dry-run'),
    overwrite: flags.has('overwrite'),
    privileged: flags.has('privileged'),
    exportTo: exportTarget(values.get('export')),
    format: exportFormat(values.get('export-format')),
  };
  for (const flag of ['dry-run', 'overwrite', 'privileged'])
    if (flags.has(flag) && actions.apply === undefined)
      throw new UsageError(`--${flag} says how to apply, and --apply is missing`, `write --apply --${flag}`);
  if (values.has('export-format') && actions.exportTo === undefined)
    throw new UsageError('--export-format has nothing to export', 'write --export FILE as well');
  return actions;
}

function absolute(flag: string, path: string | undefined): string | undefined {
  if (path === undefined || path.startsWith('/')) return path;
  throw new UsageError(`${flag}=${path} is not absolute`, 'give the path inside the sandbox, from /');
}

/** Known to be writable before the program runs: afterwards its changes would be lost. */
function exportTarget(file: string | undefined): string | undefined {
  if (file === undefined || file === '-') return file;
  try {
    const exists = existsSync(file);
    accessSync(exists ? file : dirname(file), constants.W_OK);
    if (!exists || !statSync(file).isDirectory()) return file;
  } catch (error) {
    throw cantWrite(`--export ${file}`, error);
  }
  throw new UsageError(`--export ${file}: is a directory`, 'give the name of a file in it');
}

function cantWrite(what: string, error: unknown): UsageError {
  const why = (error as NodeJS.ErrnoException).code ?? String(error);
  return new UsageError(
    `can't write ${what}: ${why}`,
    'check that the place exists, permissions and free space',
  );
}

function exportFormat(name = 'tar'): ArchiveFormat {
  const format = FORMATS.find((candidate) => candidate === name);
  if (format !== undefined) return format;
  const nearest = nearestName(name, FORMATS);
  throw new UsageError(
    `--export-format ${name} is unknown`,
    nearest ? `did you mean ${nearest}?` : `valid: ${FORMATS.join(', ')}`,
  );
}

/** `succeeded`: the program ended with 0; otherwise nothing is applied. */
export async function handleChanges(
  sandbox: Sandbox,
  actions: ChangeActions,
  succeeded: boolean,
): Promise<void> {
  const { diff, exportTo, apply } = actions;
  if (diff !== undefined) await writeDiff(await sandbox.fs.diff({ base: diff }));
  if (exportTo !== undefined) await exportChanges(sandbox, exportTo, actions.format);
  if (apply === undefined) return;
  if (succeeded) await applyChanges(sandbox, apply, actions);
  else process.stderr.write('sandbox-cli: nothing applied, because the program failed\n');
}

async function exportChanges(sandbox: Sandbox, file: string, format: ArchiveFormat): Promise<void> {
  const gzip = /\.t?gz$/.test(file);
  const to = file === '-' ? standardOutput() : createWriteStream(file);
  try {
    const { skipped } = await sandbox.fs.export(to, { format, gzip });
    for (const { path, reason } of skipped)
      process.stderr.write(`sandbox-cli: not exported: ${path} (${reason})\n`);
  } catch (error) {
    // Half of an archive must not be taken for a whole one.
    if (file !== '-' && existsSync(file) && statSync(file).isFile()) rmSync(file);
    throw (error as NodeJS.ErrnoException).syscall === undefined
      ? error
      : cantWrite(file === '-' ? 'standard output' : file, error);
  }
}

/** Stdout that can be ended without closing it for what comes after. */
function standardOutput(): Writable {
  return new Writable({
    write: (piece: Buffer, _encoding, done) => void writeOut(piece).then(() => done(), done),
  });
}

/** Whoever reads may go away, and disks fill up: the stream tells twice, by the callback and by an event that must have a listener. */
function writeOut(piece: Buffer): Promise<void> {
  const to = process.stdout;
  return new Promise((resolve, reject) => {
    to.once('error', reject);
    to.write(piece, (error?: Error | null) => {
      if (error) {
        reject(error);
        return;
      }
      to.off('error', reject);
      resolve();
    });
  });
}

async function writeDiff(diff: Buffer): Promise<void> {
  try {
    await writeOut(diff);
  } catch (error) {
    throw cantWrite('standard output', error);
  }
}

async function applyChanges(sandbox: Sandbox, path: string, actions: ChangeActions): Promise<void> {
  const { dryRun, overwrite, privileged } = actions;
  const report = await sandbox.fs.apply({ paths: [path], dryRun, overwrite, privileged });
  const lines = dryRun ? report.applied.map((applied) => `would apply ${applied}`) : [];
  for (const { path: skipped, reason } of report.skipped) lines.push(`not applied: ${skipped} (${reason})`);
  for (const { path: partly, reason } of report.incomplete)
    lines.push(`applied without ${reason}: ${partly}`);
  for (const line of lines) process.stderr.write(`sandbox-cli: ${line}\n`);
}
