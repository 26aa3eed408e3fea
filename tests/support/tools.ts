// Programs of this machine that tests run. A test that can't run here is skipped aloud: its name says why, and what to install (Debian).
import { existsSync, readdirSync } from 'node:fs';
import { it, type TestContext } from 'vitest';

/** System directories alone: the sandboxed side has no other PATH. */
const FOLDERS = [
  '/usr/local/bin',
  '/usr/bin',
  '/bin',
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
  '/usr/local/go/bin',
];

/** Debian's package of a program, where its name is another. */
const PACKAGES: Readonly<Record<string, string>> = {
  'dpkg-deb': 'dpkg',
  'git-remote-http': 'git',
  'redis-benchmark': 'redis-tools',
  'redis-cli': 'redis-tools',
  'ssh-keygen': 'openssh-client',
  cut: 'coreutils',
  df: 'coreutils',
  dig: 'bind9-dnsutils',
  findmnt: 'util-linux',
  free: 'procps',
  fuser: 'psmisc',
  getfacl: 'acl',
  go: 'golang-go',
  initdb: 'postgresql',
  'iptables-legacy': 'iptables',
  'iptables-nft': 'iptables',
  ip: 'iproute2',
  ipcs: 'util-linux',
  java: 'default-jre-headless',
  javac: 'default-jdk-headless',
  killall: 'psmisc',
  lsblk: 'util-linux',
  lscpu: 'util-linux',
  lslocks: 'util-linux',
  lsns: 'util-linux',
  mountpoint: 'util-linux',
  'musl-gcc': 'musl-tools',
  nft: 'nftables',
  node: 'nodejs',
  pgrep: 'procps',
  pidof: 'procps',
  pgbench: 'postgresql',
  ping: 'iputils-ping',
  pmap: 'procps',
  prlimit: 'util-linux',
  ps: 'procps',
  psql: 'postgresql',
  pstree: 'psmisc',
  pwdx: 'procps',
  setfacl: 'acl',
  setfattr: 'attr',
  setpriv: 'util-linux',
  ss: 'iproute2',
  ssh: 'openssh-client',
  sshd: 'openssh-server',
  sysctl: 'procps',
  'test_thread.py': 'libpython3.11-testsuite',
  top: 'procps',
  uptime: 'procps',
  vmstat: 'procps',
  w: 'procps',
};

/** Path of a program; one given with its path is only looked for. Null: not installed. */
export function whereIs(program: string): string | null {
  if (program.includes('/')) return existsSync(program) ? program : null;
  return FOLDERS.map((folder) => `${folder}/${program}`).find((path) => existsSync(path)) ?? null;
}

/** Where the newest PostgreSQL keeps its server's programs, if there is one: Debian has them in no PATH. */
export function postgresFolder(): string {
  const base = '/usr/lib/postgresql';
  const versions = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = versions.map((version) => `${base}/${version}/bin`);
  return folders.find((folder) => existsSync(`${folder}/initdb`)) ?? base;
}

/** Debian's package that brings a program. */
function packageOf(program: string): string {
  const name = program.slice(program.lastIndexOf('/') + 1);
  return PACKAGES[name] ?? name;
}

/** `it` that is skipped where there are reasons against the test: its printed name says them, and stderr does. */
function itUnless(reasons: readonly (string | null)[]) {
  const why = reasons.filter((reason) => reason !== null).join('; ');
  return (name: string, body: (context: TestContext) => void | Promise<void>): void => {
    const shown = why === '' ? name : `${name} (skipped: ${why})`;
    if (why !== '') process.stderr.write(`${shown}\n`);
    it.skipIf(why !== '')(shown, body);
  };
}

function lackOf(programs: readonly string[]): string | null {
  const missing = programs.filter((program) => whereIs(program) === null);
  if (missing.length === 0) return null;
  const packages = [...new Set(missing.map(packageOf))].join(' ');
  return `needs ${missing.join(', ')}, from Debian's package ${packages}`;
}

/** `it` for a test that runs these programs. */
export const itWith = (...programs: readonly string[]) => itUnless([lackOf(programs)]);

/** `it` for a test that runs these programs, and changes what only root may. */
export const itAsRoot = (...programs: readonly string[]) =>
  itUnless([process.getuid?.() === 0 ? null : 'only root may do this', lackOf(programs)]);
