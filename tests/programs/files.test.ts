// Programs that live on files, run natively and in the sandbox on each platform: what they print must be the same. Each skips aloud where
// it is not installed.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { longPlatforms } from '../support/native.js';
import { itAsRoot, itWith, postgresFolder } from '../support/tools.js';

const cli = fileURLToPath(new URL('../../packages/cli/bin/sandbox-cli.cjs', import.meta.url));
const world = mkdtempSync('/var/tmp/sandbox-files-');
const POSTGRES = postgresFolder();
afterAll(() => rmSync(world, { recursive: true, force: true }));

interface Program {
  readonly name: string;
  /** Programs it needs. */
  readonly needs: readonly string[];
  readonly rootOnly?: true;
  readonly script: string;
  /** Only in the sandbox: it changes the system. The output it must have. */
  readonly expected?: RegExp;
}

const PROGRAMS: readonly Program[] = [
  {
    name: 'git: commits, branches, merge, gc, clone, worktree',
    needs: ['git'],
    script: `export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z' GIT_CONFIG_GLOBAL=/dev/null HOME=/none
      git init -q -b main g; cd g; git config user.email a@b; git config user.name n
      for i in $(seq 200); do mkdir -p d$((i%7)); echo $i >d$((i%7))/f$i; done
      git add .; git commit -qm one; git checkout -qb side; sed -i s/1/2/ d1/f1; git commit -qam two; git checkout -q main
      echo x >d2/x; git add .; git commit -qm three; git merge -q side -m m; git log --format='%H %s'; git gc -q; git fsck
      git clone -q . ../g2; git -C ../g2 status; git worktree add -q ../g3 side; git -C ../g3 rev-parse HEAD; git ls-files | md5sum`,
  },
  {
    name: 'tar: xattrs, holes, hard links, nanoseconds',
    needs: ['tar', 'setfattr'],
    script: `mkdir -p t/d; cd t; echo a >a; ln a d/b; ln -s ../a d/s; mkfifo p; truncate -s 50M sp; printf x | dd of=sp bs=1 seek=20000000 conv=notrunc status=none
      setfattr -n user.k -v v a; setfattr -n user.dir -v w d; chmod 4755 a; touch -h -d @1000000000.123456789 a d/s p sp d .; cd ..
      tar --xattrs --pax-option=exthdr.name=x/%f,delete=atime,delete=ctime --numeric-owner -S --sort=name -cf t.tar t; mkdir out; tar --xattrs -S -xpf t.tar -C out; tar --full-time -tvf t.tar; cd out/t
      find . -printf '%p %y %m %n %T@ %l\\n' | LC_ALL=C sort; md5sum a sp; getfattr -d a d; [ $(stat -c %b sp) -lt 1000 ] && echo sparse`,
  },
  {
    name: 'rsync: a copy, and again with changes',
    needs: ['rsync'],
    script: `mkdir -p s/d; seq 1 20000 >s/a; cp s/a s/d/b; ln s/a s/h; ln -s a s/l; touch -d @1500000000 s/a s/d/b
      rsync -aHX --numeric-ids s/ t/; sed -i 5d s/d/b; rm s/l; touch -d @1500000001 s s/d; rsync -aHX --delete --checksum --no-whole-file --out-format='%o %n' s/ t/
      diff -r s t && echo same; find t -printf '%P %y %m %n\\n' | LC_ALL=C sort`,
  },
  {
    name: 'sqlite3: WAL under concurrent writers',
    needs: ['sqlite3'],
    script: `sqlite3 w.db 'pragma journal_mode=wal; create table t(w,i);'
      w() { for i in $(seq 25); do sqlite3 -cmd '.timeout 60000' w.db "insert into t values($1,$i);"; done; }
      w 1 & w 2 & w 3 & w 4 & wait; sqlite3 w.db 'select w,count(*),sum(i) from t group by w; pragma integrity_check;'; ls w.db*`,
  },
  {
    name: 'npm install of a local tarball of 10,000 files',
    needs: ['npm', 'node'],
    script: `mkdir pkg app; cd pkg; node -e 'const fs=require("fs"); fs.writeFileSync("package.json", "{\\"name\\":\\"many\\",\\"version\\":\\"1.0.0\\"}");
      for (let d=0; d<100; d++) { fs.mkdirSync("d"+d); for (let f=0; f<100; f++) fs.writeFileSync("d"+d+"/f"+f+".js", "module.exports="+d*f); }'
      export HOME=$PWD/../home npm_config_update_notifier=false npm_config_loglevel=error; npm pack --silent; cd ../app; echo '{"name":"app","version":"1.0.0"}' >package.json
      npm install --offline --no-audit --no-fund --silent ../pkg/many-1.0.0.tgz; node -e 'console.log(require("many/d99/f99.js"))'; find node_modules/many -type f | wc -l`,
  },
  {
    name: 'PostgreSQL: initdb, start, queries, stop',
    needs: ['psql', 'setpriv', `${POSTGRES}/initdb`],
    script: `B=${POSTGRES}; D=$PWD/data; mkdir $D; chmod 700 $D; as=; if [ $(id -u) = 0 ]; then chown 65534:65534 $D; chmod 755 .; as='setpriv --reuid 65534 --regid 65534 --clear-groups'; fi
      $as $B/initdb -D $D -U postgres -A trust --locale=C -E UTF8 >/dev/null && $as $B/pg_ctl -D $D -o "-c listen_addresses= -k $D" -l $D/log -w start >/dev/null
      psql -h $D -U postgres -Atc "create table t as select i, md5(i::text) m from generate_series(1,20000) i; create index on t(m)" \\
        -c "select count(*), max(m) from t" -c "select i from t where m=md5('777')"; $as $B/pg_ctl -D $D -w stop -m fast`,
  },
  {
    name: 'dpkg and apt-get: build, install and remove a package',
    needs: ['dpkg-deb', 'apt-get'],
    rootOnly: true,
    script: `mkdir -p deb/DEBIAN deb/usr/bin; printf 'Package: sandbox-hello\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: n <a@b>\\nDescription: test\\n' >deb/DEBIAN/control
      printf '#!/bin/sh\\necho hello\\n' >deb/usr/bin/sandbox-hello; printf '#!/bin/sh\\necho configured $1\\n' >deb/DEBIAN/postinst; chmod 755 deb deb/* deb/usr/bin deb/*/*t deb/usr/bin/*
      dpkg-deb -b deb hello.deb; dpkg -i hello.deb && /usr/bin/sandbox-hello; dpkg -r sandbox-hello; ls /usr/bin/sandbox-hello
      apt-get install -y --no-install-recommends ./hello.deb && /usr/bin/sandbox-hello; dpkg -s sandbox-hello | grep Status`,
    expected:
      /configured configure\r?\nhello\r?\n[\s\S]*Removing sandbox-hello[\s\S]*No such file[\s\S]*configured configure\r?\nhello\r?\nStatus: install ok installed\n$/,
  },
];

let runs = 0;

/** Each run starts in an empty folder of its own. */
function run(wrap: readonly string[], script: string): string {
  const folder = `${world}/run${runs++}`;
  mkdirSync(folder, { mode: 0o755 });
  const env = { PATH: process.env.PATH, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' } as NodeJS.ProcessEnv;
  const [program = '', ...args] = [...wrap, '/bin/sh', '-c', `umask 022; exec 2>&1; cd ${folder}\n${script}`];
  const { stdout, status, stderr } = spawnSync(program, args, { encoding: 'utf8', env, timeout: 250_000 });
  rmSync(folder, { recursive: true, force: true });
  return `${stdout.replaceAll(folder, 'HERE')}${status === 0 ? '' : `status ${status} ${stderr}`}`;
}

beforeAll(() => {
  spawnSync('chmod', ['755', world]);
  writeFileSync(`${world}/.keep`, '');
});

describe.each(longPlatforms())('on %s', (platform) => {
  const sandbox = [process.execPath, cli, 'run', '--platform', platform, '-e', 'LC_ALL=C'];
  const noise = ['-e', 'DEBIAN_FRONTEND=noninteractive', '--'];
  for (const program of PROGRAMS) {
    const test = program.rootOnly === true ? itAsRoot : itWith;
    test(...program.needs)(program.name, () => {
      const seen = run([...sandbox, ...noise], program.script);
      if (program.expected !== undefined) expect(seen).toMatch(program.expected);
      else expect(seen).toBe(run([], program.script));
    });
  }
});
