// -v, --mount and --tmpfs to mount specs.
import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import type { MountSpec } from '@sandbox-kernel/sentry/run';
import { parseSize } from './quantities.js';
import { UsageError } from './usage-error.js';

/** `SRC:DST[:ro|rw]`. */
export function parseVolume(text: string): MountSpec {
  const [source, target, mode, ...rest] = text.split(':');
  if (!source || !target || rest.length > 0 || (mode !== undefined && mode !== 'ro' && mode !== 'rw')) {
    throw new UsageError(`-v: '${text}' is not a mount`, 'write SRC:DST or SRC:DST:ro');
  }
  return bind(source, target, mode === 'ro', '-v');
}

/** `DST[:size=BYTES]`. */
export function parseTmpfs(text: string): MountSpec {
  const colon = text.indexOf(':');
  const target = colon < 0 ? text : text.slice(0, colon);
  const option = colon < 0 ? '' : text.slice(colon + 1);
  if (option !== '' && !option.startsWith('size=')) {
    throw new UsageError(`--tmpfs: unknown option '${option}'`, 'write DST or DST:size=64m');
  }
  requireAbsolute(target, '--tmpfs');
  const size = option === '' ? {} : { size: parseSize(option.slice('size='.length), '--tmpfs') };
  return { type: 'tmpfs', target, ...size };
}

/** `type=bind,source=SRC,target=DST[,readonly]` with docker's synonyms. */
export function parseMount(text: string): MountSpec {
  const fields = new Map<string, string>();
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    fields.set(equals < 0 ? part : part.slice(0, equals), equals < 0 ? 'true' : part.slice(equals + 1));
  }
  const take = (...names: readonly string[]): string | undefined => {
    const name = names.find((candidate) => fields.has(candidate));
    const value = name === undefined ? undefined : fields.get(name);
    if (name !== undefined) fields.delete(name);
    return value;
  };
  const type = take('type') ?? 'bind';
  const source = take('source', 'src');
  const target = take('target', 'destination', 'dst');
  const readOnly = take('readonly', 'ro') === 'true';
  const size = take('tmpfs-size');
  const [unknown] = fields.keys();
  if (unknown !== undefined)
    throw new UsageError(
      `--mount: unknown field '${unknown}'`,
      'known: type, source, target, readonly, tmpfs-size',
    );
  if (target === undefined) throw new UsageError(`--mount: '${text}' has no target`, 'add target=DIR');
  if (type === 'tmpfs') return parseTmpfs(size === undefined ? target : `${target}:size=${size}`);
  if (type !== 'bind' || source === undefined) {
    throw new UsageError(
      `--mount: '${text}' is not a mount`,
      'write type=bind,source=SRC,target=DST or type=tmpfs,target=DST',
    );
  }
  return bind(source, target, readOnly, '--mount');
}

function bind(source: string, target: string, readOnly: boolean, flag: string): MountSpec {
  const path = resolve(source);
  requireAbsolute(target, flag);
  if (!existsSync(path))
    throw new UsageError(`${flag}: '${source}' does not exist`, 'create it first, or correct the path');
  return { type: 'bind', source: path, target, readOnly };
}

function requireAbsolute(target: string, flag: string): void {
  if (!isAbsolute(target))
    throw new UsageError(`${flag}: '${target}' is not absolute`, 'give the path inside the sandbox, from /');
}
