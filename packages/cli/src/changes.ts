// What `sandbox-cli run` does with the changes when the program has ended: --diff, --export, --apply.
import { createWriteStream } from 'node:fs';
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
    exportTo: values.get('export'),
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
  if (diff !== undefined) await write(process.stdout, await sandbox.fs.diff({ base: diff }));
  if (exportTo !== undefined) await exportChanges(sandbox, exportTo, actions.format);
  if (apply === undefined) return;
  if (succeeded) await applyChanges(sandbox, apply, actions);
  else process.stderr.write('sandbox-cli: nothing applied, because the program failed\n');
}

async function exportChanges(sandbox: Sandbox, file: string, format: ArchiveFormat): Promise<void> {
  const gzip = /\.t?gz$/.test(file);
  const to = file === '-' ? standardOutput() : createWriteStream(file);
  const { skipped } = await sandbox.fs.export(to, { format, gzip });
  for (const { path, reason } of skipped)
    process.stderr.write(`sandbox-cli: not exported: ${path} (${reason})\n`);
}

/** Stdout that can be ended without closing it for what comes after. */
function standardOutput(): Writable {
  return new Writable({
    write: (piece: Buffer, _encoding, done) => void write(process.stdout, piece).then(() => done(), done),
  });
}

function write(to: NodeJS.WritableStream, piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) =>
    to.write(piece, (error?: Error | null) => (error ? reject(error) : resolve())),
  );
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
