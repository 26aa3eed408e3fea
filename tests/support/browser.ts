// Headless Chromium for tests of bundles: a loopback server for a page and its modules, and the document that is left when the page is done.
import { execFile, spawnSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';

/** Name of an installed browser, or undefined: such tests skip, and say so. */
export function findBrowser(): string | undefined {
  return ['chromium', 'chromium-browser', 'google-chrome'].find(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0,
  );
}

/** Serves `scripts` by path (`/index.js`), and `page` for everything else. */
export function servePage(page: string, scripts: Readonly<Record<string, string>>): Promise<Server> {
  const server = createServer((request, response) => {
    const script = scripts[request.url ?? ''];
    response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript');
    response.end(script ?? page);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

export function dumpDom(browser: string, url: string, profile: string): Promise<string> {
  const flags = [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    ...['--disable-component-update', '--disable-sync', '--no-proxy-server', `--user-data-dir=${profile}`],
  ];
  return new Promise((resolve) => {
    const options = { timeout: 45_000, maxBuffer: 1 << 20 };
    execFile(browser, [...flags, '--dump-dom', url], options, (_error, stdout) => resolve(stdout));
  });
}
