// Tools that read /proc and /sys (procps, psmisc, util-linux, lsof): they run in the sandbox as natively, and what they print has the
// same shape. Values differ between machines, so each is reduced by a filter to what must be equal.
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeDifference, platforms, runNative, runSandboxed } from '../support/native.js';

/** Tool, Debian package, and a script whose whole output is the same natively and in the sandbox. */
const TOOLS: readonly (readonly [string, string, string])[] = [
  [
    'ps',
    'procps',
    '{ ps -ef | head -1; ps aux | head -1; ps -o pid,ppid,stat,comm,nlwp,rss,etime,user | head -1; } | tr -s " "',
  ],
  ['ps', 'procps', 'ps -o comm= -p $$; ps -o args= -p $$; ps -o nlwp= -p $$; ps -o uid= -p $$'],
  [
    'top',
    'procps',
    "top -b -n1 | grep -E '^(Tasks|%Cpu|MiB Mem |MiB Swap|  *PID)' | sed 's/[0-9.]\\{1,\\}/N/g; s/ //g'",
  ],
  ['free', 'procps', "free | sed 's/[0-9]\\{1,\\}/N/g; s/  */ /g'; free -h | head -1"],
  ['uptime', 'procps', "uptime | sed 's/.*load average:.*/load/'"],
  ['vmstat', 'procps', 'vmstat | head -2; vmstat -s | sed "s/^ *[0-9]* //"; vmstat -d >/dev/null; echo $?'],
  ['pidof', 'procps', 'sleep 77 & pidof sleep | tr " " "\\n" | grep -c "^$!$"; kill $!'],
  [
    'pgrep',
    'procps',
    'sleep 78 & pgrep -f "^sleep 78" | grep -c "^$!$"; pkill -f "^sleep 78"; wait $!; echo $?',
  ],
  ['pmap', 'procps', "pmap $$ | sed -n '1s/^[0-9]*/PID/p'; pmap $$ | grep -q 'libc.so'; echo $?"],
  ['pwdx', 'procps', "cd /usr; pwdx $$ | sed 's/^[0-9]*/PID/'"],
  ['w', 'procps', 'w | sed -n 2p'],
  ['sysctl', 'procps', 'sysctl -n kernel.ostype fs.lease-break-time fs.mqueue.msg_max vm.overcommit_memory'],
  ['pstree', 'psmisc', "sleep 79 & pstree $$ | tr -d ' ' | grep -c sleep; kill $!"],
  [
    'fuser',
    'psmisc',
    'exec 9>/tmp/fuser.$$; fuser /tmp/fuser.$$ 2>/dev/null | tr -d " " | grep -c "^$$"; rm /tmp/fuser.$$',
  ],
  [
    'killall',
    'psmisc',
    'cp /bin/sleep /tmp/sleeper$$; /tmp/sleeper$$ 99 & until killall -q sleeper$$; do :; done; wait $!; echo $?; rm /tmp/sleeper$$',
  ],
  [
    'lsof',
    'lsof',
    'exec 9</etc/passwd; lsof -p $$ 2>/dev/null | awk \'NR==1 {$1=$1; print} $4=="9r" {print $5, $9} $4=="cwd" {print $5, $9}\'',
  ],
  ['findmnt', 'util-linux', 'findmnt -n -o TARGET,FSTYPE /proc | sort -u; findmnt | head -1 | tr -s " "'],
  ['mountpoint', 'util-linux', 'mountpoint /proc; mountpoint /usr'],
  [
    'lscpu',
    'util-linux',
    "lscpu | grep -E '^(Architecture|Byte Order|CPU\\(s\\)|Vendor ID|Model name|NUMA node0 CPU)' | tr -s ' '",
  ],
  [
    'lslocks',
    'util-linux',
    'exec 9>/tmp/lock.$$; flock 9; lslocks -n -u -o COMMAND,TYPE,MODE >/dev/null; echo $?; rm /tmp/lock.$$',
  ],
  ['lsblk', 'util-linux', 'lsblk >/dev/null; echo $?'],
  ['prlimit', 'util-linux', 'prlimit | head -1'],
  ['df', 'coreutils', "df -P | head -1 | tr -s ' '; df -P /dev/shm | awk 'NR==2 {print $6}'"],
  ['mount', 'mount', "mount | grep -q ' on /proc type proc '; echo $?"],
  ['htop', 'htop', 'htop --version'],
];

const exists = (tool: string): boolean =>
  ['/bin', '/usr/bin', '/sbin', '/usr/sbin'].some((folder) => existsSync(`${folder}/${tool}`));

it.each(TOOLS)('%s (%s): %s', async (tool, debian, script) => {
  if (!exists(tool)) {
    console.warn(`SKIPPED: ${tool} is missing; install ${debian}`);
    return;
  }
  const native = await runNative('/bin/sh', ['-c', script], 'self');
  for (const platform of platforms()) {
    const sandboxed = await runSandboxed('/bin/sh', ['-c', script], 'self', platform);
    expect(describeDifference({ ...native, stderr: '' }, { ...sandboxed, stderr: '' })).toBe('');
  }
});
