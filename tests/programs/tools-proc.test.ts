// Tools that read /proc and /sys (procps, psmisc, util-linux, lsof): they run in the sandbox as natively, and what they print has the
// same shape. Values differ between machines, so each is reduced by a filter to what must be equal.
import { expect } from 'vitest';
import { describeDifference, platforms, runNative, runSandboxed } from '../support/native.js';
import { itWith } from '../support/tools.js';

/** htop on a terminal, until its first screen is complete. */
const HTOP = `python3 - <<'END'
import os, pty, select
pid, fd = pty.fork()
if pid == 0: os.execvpe('htop', ['htop', '-C', '-d', '1', '-p', str(os.getppid())], dict(os.environ, TERM='xterm', LINES='40', COLUMNS='150'))
wanted = [b'Tasks:', b'Load average:', b'Uptime:', b'Mem', b'Swp', b'PID', b'python3']
screen = b''
for turn in range(100):
    if all(word in screen for word in wanted) or not select.select([fd], [], [], 20)[0]: break
    screen += os.read(fd, 65536)
os.write(fd, b'q')
try:
    while os.read(fd, 65536): pass
except OSError: pass
print([word for word in wanted if word not in screen], os.waitpid(pid, 0)[1])
END`;

/** Tool, and a script whose whole output is the same natively and in the sandbox. */
const TOOLS: readonly (readonly [string, string])[] = [
  [
    'ps',
    '{ ps -ef | head -1; ps aux | head -1; ps -o pid,ppid,stat,comm,nlwp,rss,etime,user | head -1; } | tr -s " "',
  ],
  ['ps', 'ps -o comm= -p $$; ps -o args= -p $$; ps -o nlwp= -p $$; ps -o uid= -p $$'],
  [
    'top',
    "top -b -n1 | grep -E '^(Tasks|%Cpu|MiB Mem |MiB Swap|  *PID)' | sed 's/[0-9.]\\{1,\\}/N/g; s/ //g'",
  ],
  ['free', "free | sed 's/[0-9]\\{1,\\}/N/g; s/  */ /g'; free -h | head -1"],
  ['uptime', "uptime | sed 's/.*load average:.*/load/'"],
  ['vmstat', 'vmstat | head -2; vmstat -s | sed "s/^ *[0-9]* //"; vmstat -d >/dev/null; echo $?'],
  ['pidof', 'sleep 77 & pidof sleep | tr " " "\\n" | grep -c "^$!$"; kill $!'],
  ['pgrep', 'sleep 78 & pgrep -f "^sleep 78" | grep -c "^$!$"; pkill -f "^sleep 78"; wait $!; echo $?'],
  ['pmap', "pmap $$ | sed -n '1s/^[0-9]*/PID/p'; pmap $$ | grep -q 'libc.so'; echo $?"],
  ['pwdx', "cd /usr; pwdx $$ | sed 's/^[0-9]*/PID/'"],
  ['w', 'w | sed -n 2p'],
  ['sysctl', 'sysctl -n kernel.ostype fs.lease-break-time fs.mqueue.msg_max vm.overcommit_memory'],
  ['pstree', "sleep 79 & pstree $$ | tr -d ' ' | grep -c sleep; kill $!"],
  [
    'fuser',
    'exec 9>/tmp/fuser.$$; fuser /tmp/fuser.$$ 2>/dev/null | tr -d " " | grep -c "^$$"; rm /tmp/fuser.$$',
  ],
  [
    'killall',
    'cp /bin/sleep /tmp/sleeper$$; /tmp/sleeper$$ 99 & until killall -q sleeper$$; do :; done; wait $!; echo $?; rm /tmp/sleeper$$',
  ],
  [
    'lsof',
    'exec 9</etc/passwd; lsof -p $$ 2>/dev/null | awk \'NR==1 {$1=$1; print} $4=="9r" {print $5, $9} $4=="cwd" {print $5, $9}\'',
  ],
  ['findmnt', 'findmnt -n -o TARGET,FSTYPE /proc | sort -u; findmnt | head -1 | tr -s " "'],
  ['mountpoint', 'mountpoint /proc; mountpoint /usr'],
  [
    'lscpu',
    "lscpu | grep -E '^(Architecture|Byte Order|CPU\\(s\\)|Vendor ID|Model name|NUMA node0 CPU)' | tr -s ' '",
  ],
  [
    'lslocks',
    'exec 9>/tmp/lock.$$; flock 9; lslocks -n -u -o COMMAND,TYPE,MODE >/dev/null; echo $?; rm /tmp/lock.$$',
  ],
  ['lsblk', 'lsblk >/dev/null; echo $?'],
  ['prlimit', 'prlimit | head -1'],
  ['df', "df -P | head -1 | tr -s ' '; df -P /dev/shm | awk 'NR==2 {print $6}'"],
  ['mount', "mount | grep -q ' on /proc type proc '; echo $?"],
  ['htop', HTOP],
  ['lsns', 'lsns -n -o TYPE -p $$ | sort; lsns | head -1 | tr -s " "'],
];

for (const [tool, script] of TOOLS) {
  itWith(tool)(`${tool}: ${script.split('\n')[0]}`, async () => {
    const native = await runNative('/bin/sh', ['-c', script], 'self');
    for (const platform of platforms()) {
      const sandboxed = await runSandboxed('/bin/sh', ['-c', script], 'self', platform);
      expect(describeDifference({ ...native, stderr: '' }, { ...sandboxed, stderr: '' })).toBe('');
    }
  });
}
