// mm alone in headless Chromium, on plain arrays: an address space is mapped, written, forked and copied on write, and gives everything back.
// Skipped, and said, where Chromium is not installed.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dumpDom, findBrowser, servePage } from '../../../../tests/support/browser.js';

const PACKAGES = fileURLToPath(new URL('../../..', import.meta.url));
const browser = findBrowser();

const PAGE = `<!doctype html><meta charset="utf-8"><body>waiting</body>
<script type="importmap">{"imports":{"@sandbox-kernel/abi":"/abi.js","@sandbox-kernel/contracts":"/contracts.js"}}</script>
<script type="module">
import { ArrayBacking, chooseLayout, MemoryFile, MemoryManager } from '/mm.js';
const random = { fill: (into, at, length) => crypto.getRandomValues(into.subarray(at, at + length)) };
const space = () => ({ map: () => 0, unmap: () => 0, protect: () => 0, flush: () => 0, destroy: () => {} });
const none = Infinity;
const limits = { addressSpace: none, data: none, stack: 8 << 20, lockedMemory: none, canLockMemory: false, canMapLow: false };
const file = new MemoryFile(new ArrayBacking(64 << 20));
const layout = chooseLayout({ random, stackLimit: 8 << 20, addressLimit: 2 ** 47 - 4096, addressMinimum: 65536, personality: 0 });
const mm = new MemoryManager({ file, space: space(), random, layout, limits });
const at = mm.mmap(0, 1 << 20, 3, 0x22, null, 0);
mm.writeU32(at + 8192, 42);
const child = mm.fork({ createAddressSpace: space });
child.writeU32(at + 8192, 7);
const seen = [mm.readU32(at + 8192), child.readU32(at + 8192), mm.readU32(at)];
child.destroy();
mm.destroy();
document.body.textContent = 'saw ' + seen.join(' ') + ', ' + file.used + ' bytes left';
</script>`;

describe.skipIf(browser === undefined)('in a browser', () => {
  let folder: string;
  let server: Server;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mm-browser-'));
    const scripts: Record<string, string> = {};
    for (const name of ['abi', 'contracts', 'mm']) {
      const out = join(folder, name);
      const args = ['tsup', '--no-dts', '--format', 'esm', '--out-dir', out];
      execFileSync('npx', args, { cwd: join(PACKAGES, name), stdio: 'pipe' });
      scripts[`/${name}.js`] = readFileSync(join(out, 'index.js'), 'utf8');
    }
    server = await servePage(PAGE, scripts);
  }, 120_000);

  afterAll(() => {
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('an address space works on plain arrays and gives its pages back', async () => {
    const { port } = server.address() as AddressInfo;
    const dom = await dumpDom(browser as string, `http://127.0.0.1:${port}/`, join(folder, 'profile'));
    expect(dom).toContain('saw 42 7 0, 0 bytes left');
  });
});

it.runIf(browser === undefined)('can’t run in a browser here: chromium is not installed', () => {
  process.stderr.write('skipping the browser: chromium is not installed\n');
  expect(browser).toBeUndefined();
});
