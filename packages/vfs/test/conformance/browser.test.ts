// The published bundle in Node and in headless Chromium: a page loads it as a module, mounts an overlay, and works on files through the facade. Skipped,
// and said, where Chromium is not installed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dumpDom, findBrowser, servePage } from '../../../../tests/support/browser.js';

const dist = (name: string): string =>
  fileURLToPath(new URL(`../../../${name}/dist/index.js`, import.meta.url));
const browser = findBrowser();

const SCRIPT = `
import { createOverlay, createTmpfs, FileSystem, overlayChanges } from '@sandbox-kernel/vfs';
const said = [];
const fs = new FileSystem({ now: () => Date.now() });
await fs.mkdir('/project/src', { recursive: true });
await fs.writeFile('/project/src/main.c', 'int main;\\n');
await fs.symlink('src/main.c', '/project/current');
said.push(await fs.readFile('/project/current', 'utf8') === 'int main;\\n');
await fs.rename('/project/src', '/project/lib');
said.push((await fs.readdir('/project')).sort().join() === 'current,lib');
said.push(await fs.readFile('/project/current', 'utf8').catch((error) => error.code) === 'ENOENT');
await fs.mkdir('/over');
const lower = createTmpfs(fs.vfs, { mode: 0o755 });
const overlay = createOverlay(fs.vfs, { upper: createTmpfs(fs.vfs), lowers: [lower] });
fs.mount('/over', overlay);
await fs.writeFile('/over/big', new Uint8Array(1 << 20).fill(7));
said.push((await fs.stat('/over/big')).size === 1 << 20);
said.push(overlayChanges(overlay).map(({ kind, path }) => kind + path).join() === 'added/big');
`;

const PACKAGES = ['abi', 'contracts', 'vfs'];
const IMPORTS = Object.fromEntries(PACKAGES.map((name) => [`@sandbox-kernel/${name}`, `/${name}.js`]));
const PAGE = `<!doctype html><meta charset="utf-8"><body>waiting</body>
<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script><script type="module">${SCRIPT}
document.body.textContent = 'said ' + said.join(' ');
</script>`;

describe('the bundle', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vfs-browser-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('imports only the packages it may, and nothing of Node', () => {
    const bundle = readFileSync(dist('vfs'), 'utf8');
    const imported = [...bundle.matchAll(/^(?:import|export)\b[^;]*\bfrom "([^"]+)"/gm)].map(
      (match) => match[1],
    );
    expect(imported).toContain('@sandbox-kernel/abi');
    expect(
      imported.filter((name) => !['@sandbox-kernel/abi', '@sandbox-kernel/contracts'].includes(name ?? '')),
    ).toEqual([]);
    expect(bundle).not.toMatch(/\brequire\(|\bprocess\.|\bBuffer\./);
  });

  it('works on files in Node', () => {
    const here = (line: string) => line.replaceAll("'@sandbox-kernel/vfs'", `'${dist('vfs')}'`);
    writeFileSync(join(folder, 'run.mjs'), `${here(SCRIPT)}\nconsole.log(said.join(' '));\n`);
    const { stdout, stderr } = spawnSync(process.execPath, [join(folder, 'run.mjs')], { encoding: 'utf8' });
    expect(stdout, stderr).toBe('true true true true true\n');
  });

  it.skipIf(browser === undefined)('works on files in a page', async () => {
    const scripts = PACKAGES.map((name) => [`/${name}.js`, readFileSync(dist(name), 'utf8')]);
    const server = await servePage(PAGE, Object.fromEntries(scripts));
    const { port } = server.address() as AddressInfo;
    const dom = await dumpDom(browser as string, `http://127.0.0.1:${port}/`, join(folder, 'profile'));
    server.close();
    expect(dom).toContain('said true true true true true');
  });
});

it.runIf(browser === undefined)('can’t run in a browser here: chromium is not installed', () => {
  process.stderr.write('skipping the browser: chromium is not installed\n');
  expect(browser).toBeUndefined();
});
