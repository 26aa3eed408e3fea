// Programs of this machine that tests run. A test whose programs are missing is skipped, and its name says what to install (Debian).
import { existsSync } from 'node:fs';
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
  nft: 'nftables',
  node: 'nodejs',
  pgrep: 'procps',
  pidof: 'procps',
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

/** Debian's package that brings a program. */
export function packageOf(program: string): string {
  const name = program.slice(program.lastIndexOf('/') + 1);
  return PACKAGES[name] ?? name;
}

/** `it` for a test that runs these programs: skipped aloud where one of them is missing. */
export function itWith(...programs: readonly string[]) {
  const missing = programs.filter((program) => whereIs(program) === null);
  return (name: string, body: (context: TestContext) => void | Promise<void>): void => {
    if (missing.length === 0) {
      it(name, body);
      return;
    }
    const packages = [...new Set(missing.map(packageOf))].join(' ');
    const why = `skipped: no ${missing.join(', ')}; Debian: ${packages}`;
    process.stderr.write(`${name}: ${why}\n`);
    it.skip(`${name} (${why})`, body);
  };
}
