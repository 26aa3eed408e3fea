// `npm run soak:go [-- PACKAGE…] [--platform P]`: the tests of Go's standard library that lean on the kernel, natively and in the sandbox;
// every test must end the same way. Needs a Go toolchain with its sources (Debian's golang-go and golang-src). Differences that are known:
// tests that make user namespaces, network links or use /dev/net/tun are skipped in the sandbox, which has none.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { Comparison, root, skipUnless } from './outcomes.js';

const PACKAGES = [
  'archive/tar',
  'context',
  'internal/poll',
  'io/fs',
  'io/ioutil',
  'log/syslog',
  'net',
  'net/http',
  'net/http/cgi',
  'net/rpc',
  'net/smtp',
  'os',
  'os/exec',
  'os/signal',
  'os/user',
  'path/filepath',
  'runtime',
  'sync',
  'syscall',
  'time',
];
/** A result line; that of a subtest stands further in. */
const RESULT = /^\s*--- (PASS|FAIL|SKIP): (\S+)/;

const PATH = '/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const cache = `${root}tests/.cache/go`;
mkdirSync(cache, { recursive: true, mode: 0o755 });
const env = {
  PATH,
  HOME: '/tmp',
  LANG: 'C.UTF-8',
  GOCACHE: `${cache}/build`,
  GOPROXY: 'off',
  GOTOOLCHAIN: 'local',
};
const asked = spawnSync('go', ['env', 'GOROOT'], { encoding: 'utf8', env });
const sources = `${asked.stdout?.trim() || '/usr/lib/go'}/src`;
skipUnless(`${sources}/os/os_test.go`, 'golang-go and golang-src');

const comparison = new Comparison(
  {
    parse: (line) => {
      const match = RESULT.exec(line);
      return match === null ? null : [match[2] as string, match[1] as string];
    },
    env,
    limitMs: 15 * 60_000,
    ownNetwork: true,
  },
  PACKAGES,
);
for (const name of comparison.names) {
  const binary = `${cache}/${name.replaceAll('/', '_')}.test`;
  const built = spawnSync('go', ['test', '-c', '-o', binary, name], { encoding: 'utf8', cwd: sources, env });
  if (built.status !== 0) throw new Error(`go test -c ${name}: ${built.stderr}`);
  // Short: what needs the internet or minutes is left out.
  comparison.compare(name, [binary, '-test.v', '-test.short', '-test.timeout=10m'], `${sources}/${name}`);
}
