// Applying changes that a hostile sandbox made up: nothing outside of the root is reached, nothing is left half done.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { HostDescriptors, HostPaths } from '@sandbox-kernel/host';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ApplyReport, applyChanges, SandboxConflictError } from '../../src/api/changes/apply.js';
import { ChangeSnapshot } from '../../src/api/changes/change-snapshot.js';
import type { WireIdentity } from '../../src/changes/messages.js';
import { attributes, type FakeChange, fakeSentry } from '../support/fake-changes.js';

let top: string;
let root: string;
beforeEach(() => {
  top = mkdtempSync(`${tmpdir()}/apply-`);
  root = `${top}/root`;
  mkdirSync(root);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(top, { recursive: true, force: true });
});

async function apply(
  changes: readonly FakeChange[],
  options: { overwrite?: boolean; privileged?: boolean; dryRun?: boolean } = {},
  onRead?: (path: string) => void,
): Promise<ApplyReport> {
  const snapshot = await ChangeSnapshot.open(fakeSentry(changes, onRead), [], false);
  return applyChanges(snapshot, { root, overwrite: false, privileged: false, dryRun: false, ...options });
}

function identity(path: string): WireIdentity {
  const stat = lstatSync(root + path, { bigint: true });
  return {
    number: Number(stat.ino),
    mode: Number(stat.mode),
    size: Number(stat.size),
    mtime: Number(stat.mtimeNs / 1_000_000_000n),
    mtimeNanos: Number(stat.mtimeNs % 1_000_000_000n),
    ctime: Number(stat.ctimeNs / 1_000_000_000n),
    ctimeNanos: Number(stat.ctimeNs % 1_000_000_000n),
  };
}

const modified = (path: string, content: string): FakeChange => ({
  path,
  kind: 'modified',
  before: attributes(0o100644),
  origin: identity(path),
  content: Buffer.from(content),
});
const deleted = (path: string): FakeChange => ({
  path,
  kind: 'deleted',
  after: null,
  before: attributes(identity(path).mode),
  origin: identity(path),
  coveredAt: Date.now() / 1000 + 10,
});
const directory = (path: string): FakeChange => ({ path, after: attributes(0o40755) });
const link = (path: string, target: string): FakeChange => ({
  path,
  after: attributes(0o120777, { target }),
});

/** What reaches the disk and what gets its name, in order. */
function watchDisk(): string[] {
  const calls: string[] = [];
  const place = (fd: number): string => readlinkSync(`/proc/self/fd/${fd}`).slice(root.length);
  const { sync, syncFilesystem } = HostDescriptors.prototype;
  const { rename } = HostPaths.prototype;
  vi.spyOn(HostDescriptors.prototype, 'sync').mockImplementation(function (this: HostDescriptors, fd) {
    calls.push(`sync ${place(fd)}`);
    return sync.call(this, fd);
  });
  vi.spyOn(HostDescriptors.prototype, 'syncFilesystem').mockImplementation(function (
    this: HostDescriptors,
    fd,
  ) {
    calls.push(`syncfs ${place(fd)}`);
    return syncFilesystem.call(this, fd);
  });
  vi.spyOn(HostPaths.prototype, 'rename').mockImplementation(function (this: HostPaths, ...words) {
    calls.push('rename');
    return rename.apply(this, words);
  });
  return calls;
}

describe('apply', () => {
  it('puts new, changed and removed files in place, with times and permissions', async () => {
    writeFileSync(`${root}/old`, 'old');
    writeFileSync(`${root}/gone`, 'gone');
    await apply([
      directory('/d'),
      { path: '/d/f', content: Buffer.from('deep'), after: attributes(0o100640, { size: 4 }) },
      deleted('/gone'),
      modified('/old', 'new'),
      link('/s', 'anywhere'),
    ]);
    expect(readdirSync(root).sort()).toEqual(['d', 'old', 's']);
    expect(readFileSync(`${root}/d/f`, 'utf8')).toBe('deep');
    expect(readFileSync(`${root}/old`, 'utf8')).toBe('new');
    expect(statSync(`${root}/d/f`).mode & 0o777).toBe(0o640);
    expect(statSync(`${root}/d/f`).mtime).toEqual(new Date(1_700_000_000_000));
  });

  it('has data on the disk before its name, and names before it is done', async () => {
    mkdirSync(`${root}/d`);
    writeFileSync(`${root}/d/old`, 'old');
    const calls = watchDisk();
    const { incomplete } = await apply([
      directory('/n'),
      { path: '/n/f', content: Buffer.from('f'), after: attributes(0o100644, { size: 1 }) },
      modified('/d/old', 'new'),
    ]);
    expect(incomplete).toEqual([]);
    const places = calls.map((call) => call.replace(/\.sandbox-[^/ ]*-/, 'new'));
    expect(places).toEqual([
      'sync /new0',
      'sync /new0/f',
      'sync /d/new1',
      'rename',
      'rename',
      'sync ',
      'sync /d',
    ]);
  });

  it('syncs a filesystem once when there are many files', async () => {
    const calls = watchDisk();
    await apply(Array.from({ length: 200 }, (_, i) => ({ path: `/f${i}`, content: Buffer.from('x') })));
    expect(calls.filter((call) => call !== 'rename')).toEqual(['syncfs ', 'sync ']);
    expect(calls[0]).toBe('syncfs ');
  });

  it('puts nothing in place when the disk does not take the data', async () => {
    vi.spyOn(HostDescriptors.prototype, 'sync').mockReturnValueOnce(-5);
    await expect(apply([{ path: '/f', content: Buffer.from('x') }])).rejects.toThrow('EIO');
    expect(readdirSync(root)).toEqual([]);
  });

  it('changes nothing in a dry run, and names what it would do', async () => {
    writeFileSync(`${root}/old`, 'old');
    const report = await apply([modified('/old', 'new'), { path: '/x' }], { dryRun: true });
    expect(report.applied).toEqual(['/old', '/x']);
    expect(readFileSync(`${root}/old`, 'utf8')).toBe('old');
    expect(readdirSync(root)).toEqual(['old']);
  });

  it('refuses all when one file was changed on the host, unless told to overwrite', async () => {
    writeFileSync(`${root}/a`, 'a');
    writeFileSync(`${root}/b`, 'b');
    const changes = [modified('/a', 'A'), modified('/b', 'B')];
    writeFileSync(`${root}/b`, 'somebody else');
    await expect(apply(changes)).rejects.toMatchObject({
      code: 'ERR_SANDBOX_CONFLICT',
      conflicts: [{ path: '/b', reason: 'was changed on the host' }],
    });
    expect(readFileSync(`${root}/a`, 'utf8')).toBe('a');
    await apply(changes, { overwrite: true });
    expect(readFileSync(`${root}/b`, 'utf8')).toBe('B');
  });

  it.each([
    ['a new name that the host has as well', () => [{ path: '/f' }], 'was made on the host as well'],
    [
      'a directory with newer files',
      () => [{ ...deleted('/d'), coveredAt: 1 }],
      'holds files that were changed',
    ],
    [
      'another directory of that name',
      () => [{ ...deleted('/d'), origin: identity('/e') }],
      'is another directory',
    ],
    [
      'a file for a directory',
      () => [{ ...modified('/f', 'x'), origin: identity('/d') }],
      'is something else',
    ],
    ['a file that is gone', () => [{ ...modified('/f', 'x'), path: '/none' }], 'was removed on the host'],
    ['a directory that is gone', () => [{ path: '/none/x' }], 'its directory is not there'],
  ])('sees %s', async (_what, changes, reason) => {
    mkdirSync(`${root}/d`);
    mkdirSync(`${root}/e`);
    writeFileSync(`${root}/f`, 'f');
    writeFileSync(`${root}/d/inner`, 'inner');
    await expect(apply(changes())).rejects.toThrow(reason);
    expect(readdirSync(root).sort()).toEqual(['d', 'e', 'f']);
  });

  it('takes everything back when the host changes in the last moment', async () => {
    mkdirSync(`${root}/d`);
    for (const name of ['a', 'b', 'd/x']) writeFileSync(`${root}/${name}`, name);
    const changes = [modified('/a', 'A'), deleted('/d'), { path: '/new' }, modified('/b', 'B')];
    const meddle = (path: string) => {
      if (path === '/b') writeFileSync(`${root}/b`, 'late');
    };
    await expect(apply(changes, {}, meddle)).rejects.toBeInstanceOf(SandboxConflictError);
    expect(readdirSync(root).sort()).toEqual(['a', 'b', 'd']);
    expect(readFileSync(`${root}/a`, 'utf8')).toBe('a');
    expect(readFileSync(`${root}/b`, 'utf8')).toBe('late');
    expect(readFileSync(`${root}/d/x`, 'utf8')).toBe('d/x');
  });

  it('leaves nothing behind when the sandbox ends while files are built', async () => {
    writeFileSync(`${root}/a`, 'a');
    const die = (path: string) => {
      if (path === '/z') throw new Error('gone');
    };
    const late = { path: '/z', content: Buffer.from('z') };
    await expect(apply([modified('/a', 'A'), directory('/d'), late], {}, die)).rejects.toThrow('gone');
    expect(readdirSync(root)).toEqual(['a']);
    expect(readFileSync(`${root}/a`, 'utf8')).toBe('a');
  });

  it('replaces a directory by a link without touching what the link names', async () => {
    mkdirSync(`${top}/outside`);
    writeFileSync(`${top}/outside/f`, 'safe');
    mkdirSync(`${root}/d`);
    writeFileSync(`${root}/d/f`, 'x');
    const swap = { ...link('/d', `${top}/outside`), kind: 'modified' as const, origin: identity('/d') };
    await apply([{ ...swap, coveredAt: Date.now() / 1000 + 10, changed: ['type'] }]);
    expect(lstatSync(`${root}/d`).isSymbolicLink()).toBe(true);
    expect(readFileSync(`${top}/outside/f`, 'utf8')).toBe('safe');
    // Through that link nothing is written either.
    await expect(apply([{ path: '/d/evil' }])).rejects.toThrow();
    expect(readdirSync(`${top}/outside`)).toEqual(['f']);
  });

  it('does not follow a link that stands on the host in the place of a directory', async () => {
    mkdirSync(`${top}/outside`);
    writeFileSync(`${top}/outside/f`, 'safe');
    mkdirSync(`${root}/d`);
    writeFileSync(`${root}/d/f`, 'f');
    const changes = [modified('/d/f', 'evil'), { path: '/d/new' }, deleted('/d/f')];
    renameSync(`${root}/d`, `${root}/aside`);
    symlinkSync(`${top}/outside`, `${root}/d`);
    for (const change of changes)
      for (const overwrite of [false, true]) await expect(apply([change], { overwrite })).rejects.toThrow();
    expect(readdirSync(`${top}/outside`)).toEqual(['f']);
    expect(readFileSync(`${top}/outside/f`, 'utf8')).toBe('safe');
  });

  it('removes a directory without following links in it', async () => {
    mkdirSync(`${top}/outside`);
    writeFileSync(`${top}/outside/f`, 'safe');
    mkdirSync(`${root}/d`);
    symlinkSync(`${top}/outside`, `${root}/d/l`);
    await apply([deleted('/d')]);
    expect(existsSync(`${root}/d`)).toBe(false);
    expect(readFileSync(`${top}/outside/f`, 'utf8')).toBe('safe');
  });

  it.each(['/../x', '/a/../../x', 'x', '//x', '/a//b', '/.', '/a\0b', `/${'n'.repeat(256)}`, '/'])(
    'refuses the name %j before anything happens',
    async (path) => {
      await expect(apply([{ path: '/ok' }, { path }])).rejects.toThrow('the sandbox named a change');
      expect(readdirSync(root)).toEqual([]);
    },
  );

  it('takes any other name', async () => {
    const names = ['new\nline', '-rf', '\xff\xfe', 'n'.repeat(255), '"quoted"', '$(touch x)'];
    await apply(names.map((name) => ({ path: `/${name}` })));
    const found = readdirSync(root, 'latin1').sort();
    expect(found).toEqual([...names].sort());
  });

  it('leaves out devices, set-id bits and capabilities unless asked', async () => {
    const bits = { path: '/setuid', after: attributes(0o104755) };
    const capable = {
      path: '/capable',
      after: attributes(0o100755, { xattrs: [['security.capability', 'AQAAAgAgAAAAAAAAAAAAAAAAAAA=']] }),
    };
    const device = { path: '/null', after: attributes(0o20666, { major: 1, minor: 3 }) };
    const report = await apply([capable, device, bits]);
    expect(readdirSync(root).sort()).toEqual(['capable', 'setuid']);
    expect(statSync(`${root}/setuid`).mode & 0o7777).toBe(0o755);
    expect(report.skipped).toEqual([{ path: '/null', reason: 'a device node' }]);
    expect(report.incomplete.map(({ path }) => path).sort()).toEqual(['/capable', '/setuid']);
  });

  it('keeps hard links together', async () => {
    const first = { path: '/a', content: Buffer.from('same') };
    await apply([
      { ...first, after: attributes(0o100644, { size: 4 }) },
      { path: '/b', linkOf: 0 },
    ]);
    expect(lstatSync(`${root}/b`).ino).toBe(lstatSync(`${root}/a`).ino);
  });
});
