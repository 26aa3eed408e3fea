// Tools that live on /proc and on limits: what they print of the program itself is the same natively and in the sandbox; what they
// print of other processes must show the sandbox's, and none of the host's.
import { describe, expect, it } from 'vitest';
import { describeDifference, platforms, runNative, runSandboxed, users } from '../support/native.js';
import { itWith } from '../support/tools.js';

/** Name and shell script with output that can't depend on the machine's load, pids or addresses. */
const SAME: readonly (readonly [string, string])[] = [
  ['exe, cwd and root', 'cd /usr; readlink /proc/self/exe /proc/self/cwd /proc/self/root /proc/$$/exe'],
  [
    'command line and environment',
    "tr '\\0' '|' </proc/self/cmdline; tr '\\0' '\\n' </proc/$$/environ | sort",
  ],
  ['comm', 'cat /proc/self/comm /proc/$$/comm; exec /bin/cat /proc/self/comm'],
  ['fields of stat', "awk '{print NF, $2}' /proc/self/stat"],
  [
    'status of the program itself',
    "grep -E '^(Name|State|Uid|Gid|Groups|Threads|NoNewPrivs|SigQ|SigBlk|SigIgn):' /proc/self/status | grep -v SigQ",
  ],
  ['areas with names', "awk '{print $6}' /proc/self/maps | grep -E '^(.heap.|.stack.|/usr/bin)' | uniq"],
  ['rights of the stack', 'awk \'$6=="[stack]" {print $2}\' /proc/self/maps'],
  ['open files', 'exec 7</etc/passwd 8>/dev/null; readlink /proc/$$/fd/7 /proc/$$/fd/8'],
  [
    'position and flags of an open file',
    'exec 7</etc/passwd; head -c 0 <&7; grep -E "^(pos|flags)" /proc/$$/fdinfo/7',
  ],
  ['number of processors', 'nproc; grep -c ^processor /proc/cpuinfo'],
  [
    'meminfo has the fields that tools need',
    "grep -cE '^(MemTotal|MemFree|MemAvailable|Buffers|Cached|SwapTotal):' /proc/meminfo",
  ],
  ['uptime and load have their fields', 'awk "{print NF}" /proc/uptime /proc/loadavg'],
  ['write to /proc/self/comm', "sh -c 'echo renamed >/proc/$$/comm; cat /proc/$$/comm'"],
  ['children', 'sleep 5 & tr " " "\\n" </proc/$$/task/$$/children | grep -c "^$!$"; kill $!'],
  ['threads', 'ls /proc/$$/task | grep -c "^$$\\$"'],
  ['redirection through /proc/self/fd', '{ echo through >/proc/self/fd/1; } | cat; echo in | cat /dev/stdin'],
  ['a missing process', 'cat /proc/999999/stat; ls /proc/self/nothing'],
  [
    'a zombie, whose parent does not wait',
    "sh -c 'exit 3 & exec sleep 3' & p=$!; until c=$(cat /proc/$p/task/$p/children) && grep -qs '^State:.Z' /proc/$(echo $c)/status; do :; done; echo $?; kill $p",
  ],
];

describe.each(platforms())('on %s', (platform) => {
  describe.each(users())('as %s', (user) => {
    it.each(SAME)('%s', async (_name, script) => {
      const native = await runNative('/bin/sh', ['-c', script], user);
      const sandboxed = await runSandboxed('/bin/sh', ['-c', script], user, platform);
      expect(describeDifference(native, sandboxed)).toBe('');
    });

    it('shows the processes of the sandbox and none of the host', async () => {
      const script = 'sleep 5 & cd /proc; for p in [0-9]*; do cat $p/comm; done; kill $!';
      const { stdout, status } = await runSandboxed('/bin/sh', ['-c', script], user, platform);
      expect(status).toBe(0);
      expect(
        stdout
          .split('\n')
          .filter((name) => name !== '')
          .sort(),
      ).toEqual(['sh', 'sleep']);
    });

    itWith('ps')('ps and pgrep find the children of a shell', async () => {
      const script = 'sleep 5 & ps -o comm= --ppid $$ | sort; pgrep -P $$ -x sleep | grep -c "^$!$"; kill $!';
      const { stdout } = await runSandboxed('/bin/sh', ['-c', script], user, platform);
      expect(stdout.split('\n')).toEqual(expect.arrayContaining(['ps', 'sleep', '1']));
    });

    itWith('free')('free and uptime end well', async () => {
      const { stdout, status } = await runSandboxed('/bin/sh', ['-c', 'free -b && uptime'], user, platform);
      expect(status).toBe(0);
      expect(stdout).toMatch(/^Mem: +[1-9]/m);
    });
  });
});
