// The built bundle in headless Chromium: a page loads it as a module, joins two stacks by a wire and runs a TCP echo between them.
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

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const browser = findBrowser();

const PAGE = `<!doctype html><meta charset="utf-8"><body>waiting</body><script type="module">
import { Address, createVethPair, Stack, Tcp, TcpEndpoint } from './index.js';
const random = { next32: () => crypto.getRandomValues(new Uint32Array(1))[0] };
const make = (device, address) => {
  const stack = new Stack({ random });
  stack.addAddress(stack.addInterface(device, { dadTransmits: 0 }), Address.of(address), 64);
  const tcp = new Tcp(stack.host);
  stack.register(tcp);
  return { stack, tcp };
};
const [left, right] = createVethPair();
const a = make(left, 'fd00::1');
const b = make(right, 'fd00::2');
const listener = new TcpEndpoint(b.tcp, true);
listener.bind(null, 7);
listener.listen(4);
const client = new TcpEndpoint(a.tcp, true);
client.connect(Address.of('fd00::2'), 7);
const sent = new Uint8Array(200000).map((_, i) => i % 251);
const into = new Uint8Array(65536);
let server = null, written = 0, received = 0, wrong = 0;
for (let now = 1000; now < 60e6 && received < sent.length; now += 1000) {
  a.stack.poll(now); b.stack.poll(now);
  server ??= listener.accept();
  if (written < sent.length) written += Math.max(0, client.write(sent, written, sent.length - written));
  if (server) for (let n; (n = server.read(into, 0, into.length)) > 0; ) server.write(into, 0, n);
  for (let n; (n = client.read(into, 0, into.length)) > 0; )
    for (let i = 0; i < n; i++) if (into[i] !== sent[received++]) wrong++;
}
document.body.textContent = 'echoed ' + received + ' bytes, ' + wrong + ' wrong';
</script>`;

describe.skipIf(browser === undefined)('in a browser', () => {
  let folder: string;
  let server: Server;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'netstack-browser-'));
    const args = ['tsup', '--no-dts', '--format', 'esm', '--out-dir', join(folder, 'dist')];
    execFileSync('npx', args, { cwd: PACKAGE, stdio: 'pipe' });
    server = await servePage(PAGE, { '/index.js': readFileSync(join(folder, 'dist/index.js'), 'utf8') });
  }, 60_000);

  afterAll(() => {
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('the bundle carries a TCP echo between two stacks', async () => {
    const { port } = server.address() as AddressInfo;
    const dom = await dumpDom(browser as string, `http://127.0.0.1:${port}/`, join(folder, 'profile'));
    expect(dom).toContain('echoed 200000 bytes, 0 wrong');
  });
});

it.runIf(browser === undefined)('can’t run in a browser here: chromium is not installed', () => {
  process.stderr.write('skipping the browser: chromium is not installed\n');
  expect(browser).toBeUndefined();
});
