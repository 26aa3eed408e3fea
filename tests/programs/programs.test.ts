// Real programs, run natively and in the sandbox: stdout, stderr and exit code must be the same. Trees and files are made here, so
// that nothing depends on the machine, except for `find / -xdev`, which reads what holds still of it.
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import {
  describeDifference,
  type Outcome,
  platforms,
  runNative,
  runSandboxed,
  users,
} from '../support/native.js';
import { makeBigFile, makeTree } from './make-tree.js';

const world = mkdtempSync('/tmp/sandbox-programs-');
makeTree(world);
makeBigFile(`${world}/big`, 200 * 1024 * 1024);
writeFileSync(`${world}/before`, 'before\n', { mode: 0o666 });
chmodSync(`${world}/before`, 0o666);
afterAll(() => rmSync(world, { recursive: true, force: true }));

const python =
  'import collections,decimal,hashlib,json,os,re,sqlite3,struct,subprocess,sys,tempfile,threading,zlib;' +
  'print(hashlib.sha256(zlib.compress(json.dumps([str(decimal.Decimal(1)/7),os.getcwd()]).encode())).hexdigest());' +
  "print(subprocess.run(['/bin/echo','child'],capture_output=True).stdout);" +
  't=threading.Thread(target=lambda:print("thread"));t.start();t.join();' +
  'f=tempfile.TemporaryFile();f.write(b"x"*70000);f.seek(0);print(len(f.read()))';

/** Name and shell script; scripts run under `sh -c`, so that pipelines and exit codes are the shell's. */
const SCRIPTS: readonly (readonly [string, string])[] = [
  ['ls -lR of a tree', `ls -lR ${world}/tree`],
  ['cat', `cat ${world}/tree/d0/f0 ${world}/tree/d1/f1`],
  ['sha256sum of 200 MB', `sha256sum ${world}/big`],
  ['sort', `sort -k2,2n -k1,1 ${world}/words | md5sum`],
  ['gzip there and back', `gzip -9 <${world}/words | gzip -d | cmp - ${world}/words && echo same`],
  ['tar', `tar -C ${world} -cf - --sort=name tree | tar -tvf - | sort`],
  ['awk', `awk '{n[$1]++; s+=$2} END {print s; for (w in n) print w, n[w] | "sort"}' ${world}/words`],
  ['sed', `sed -nE 's/^([a-z]+) ([0-9]+)$/\\2 \\1/p' ${world}/words | tail -5`],
  ['date', 'date -u -d @1700000000 +%FT%T; TZ=Asia/Tokyo date -d @0'],
  ['env', 'env | grep -v ^_ | sort'],
  ['id', 'id; id -un; umask'],
  ['python3', `cd ${world} && /usr/bin/python3 -c '${python}'`],
  [
    'sqlite3 on a file',
    `rm -f /tmp/t.db; sqlite3 /tmp/t.db "create table t(a,b); with recursive c(x) as (select 1 union all select x+1 from c where x<5000)
     insert into t select x,x*x from c; create index i on t(b); select count(*),sum(b) from t; pragma integrity_check;"; rm -f /tmp/t.db`,
  ],
  ['exit code of a pipeline', `cat ${world}/words | sort -u | wc -l; exit 3`],
  ['killed by a signal', 'kill -TERM $$'],
  ['redirections', `exec 3<${world}/before; read line <&3; echo "$line" >&2; cat <<E\nhere\nE`],
  ['background jobs', 'sleep 0.1 & wait $!; echo $?; (exit 7) & wait $!; echo $?'],
  ['command not found', 'no-such-program 2>/dev/null; echo $?'],
];

// A live machine writes to /tmp, /var, /home and what people mount at the top while the test looks: between the two runs files come and
// go, and that is no defect of the sandbox. These hold still, short of an installation of packages.
const STILL = new Set(['bin', 'boot', 'etc', 'lib', 'lib32', 'lib64', 'libx32', 'sbin', 'srv', 'usr']);

/** The other directories at the top, as find's -path tests; what programs install for themselves under /usr too. */
function pruned(): string[] {
  const moving = readdirSync('/').filter((name) => !STILL.has(name));
  const paths = [...moving.map((name) => `/${name}`), '/usr/local', '*/__pycache__'];
  return paths.flatMap((path, i) => (i === 0 ? ['-path', path] : ['-o', '-path', path]));
}

/** The order of a directory's entries is the filesystem's affair. */
function sorted(outcome: Outcome): Outcome {
  const lines = (text: string) => text.split('\n').sort().join('\n');
  return { ...outcome, stdout: lines(outcome.stdout), stderr: lines(outcome.stderr) };
}

describe.each(platforms())('on %s', (platform) => {
  describe.each(users())('as %s', (user) => {
    it.each(SCRIPTS)('%s gives the native output', async (_name, script) => {
      const native = await runNative('/bin/sh', ['-c', script], user);
      const sandboxed = await runSandboxed('/bin/sh', ['-c', script], user, platform);
      expect(describeDifference(native, sandboxed)).toBe('');
    });

    it('finds the same files in a tree, to the last attribute', async () => {
      const find = [`${world}/tree`, '-printf', '%p %y %m %n %s %U %G %T@ %l\\n'];
      const native = await runNative('/usr/bin/find', find, user);
      const sandboxed = await runSandboxed('/usr/bin/find', find, user, platform);
      expect(native.stdout.split('\n').length).toBeGreaterThan(2000);
      expect(describeDifference(sorted(native), sorted(sandboxed))).toBe('');
    });

    it('finds the same files over the host root', async () => {
      const find = ['/', '-xdev', '(', ...pruned(), ')', '-prune', '-o', '-printf', '%p %y %m %U %G %l\\n'];
      const native = await runNative('/usr/bin/find', find, user);
      const sandboxed = await runSandboxed('/usr/bin/find', find, user, platform);
      expect(native.stdout.split('\n').length).toBeGreaterThan(1000);
      expect(describeDifference(sorted(native), sorted(sandboxed))).toBe('');
    });

    it('leaves the host untouched by writes', async () => {
      const names = readdirSync(world).sort();
      const modified = statSync(`${world}/before`).mtimeMs;
      const script = `cd ${world} && echo changed >before && cat before && rm -r words 2>/dev/null; touch /tmp/sandbox-programs-left; ls /tmp/sandbox-programs-left`;
      const sandboxed = await runSandboxed('/bin/sh', ['-c', script], user, platform);
      expect(sandboxed.stdout).toBe('changed\n/tmp/sandbox-programs-left\n');
      expect(readFileSync(`${world}/before`, 'utf8')).toBe('before\n');
      expect(statSync(`${world}/before`).mtimeMs).toBe(modified);
      expect(readdirSync(world).sort()).toEqual(names);
      expect(readdirSync('/tmp')).not.toContain('sandbox-programs-left');
    });

    it('names its own kernel, not the host', async () => {
      const native = await runNative('/bin/uname', ['-v'], user);
      const sandboxed = await runSandboxed('/bin/uname', ['-v'], user, platform);
      expect(sandboxed.status).toBe(0);
      expect(sandboxed.stdout).not.toBe(native.stdout);
    });
  });
});
