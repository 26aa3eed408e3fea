// The published bundle in Node and in headless Chromium: a page loads it as a module, mounts an overlay, and works on files through the facade. Skipped,
// and said, where Chromium is not installed.
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const dist = (name: string): string =>
  fileURLToPath(new URL(`../../../${name}/dist/index.js`, import.meta.url));
const browser = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0,
);

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

const IMPORTS = Object.fromEntries(
  ['abi', 'contracts', 'vfs'].map((name) => [`@sandbox-kernel/${name}`, `/${name}.js`]),
);
const PAGE = `<!doctype html><meta charset="utf-8"><body>waiting</body>
<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script><script type="module">${SCRIPT}
document.body.textContent = 'said ' + said.join(' ');
</script>`;

function serve(): Promise<Server> {
  const server = createServer((request, response) => {
    const script = /^\/(abi|contracts|vfs)\.js$/.exec(request.url ?? '')?.[1];
    response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript');
    response.end(script === undefined ? PAGE : readFileSync(dist(script)));
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

function dumpDom(url: string, profile: string): Promise<string> {
  const flags = [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    ...['--disable-component-update', '--disable-sync', '--no-proxy-server', `--user-data-dir=${profile}`],
  ];
  return new Promise((resolve) => {
    const options = { timeout: 45_000, maxBuffer: 1 << 20 };
    execFile(browser as string, [...flags, '--dump-dom', url], options, (_error, stdout) => resolve(stdout));
  });
}

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
    const server = await serve();
    const { port } = server.address() as AddressInfo;
    const dom = await dumpDom(`http://127.0.0.1:${port}/`, join(folder, 'profile'));
    server.close();
    expect(dom).toContain('said true true true true true');
  });
});

it.runIf(browser === undefined)('can’t run in a browser here: chromium is not installed', () => {
  process.stderr.write('skipping the browser: chromium is not installed\n');
  expect(browser).toBeUndefined();
});
