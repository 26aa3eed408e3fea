# What strace says of small programs, without what differs between runs: numbers of processes, addresses, times.
out=$(mktemp)
clean() { sed -E 's/^[0-9]+ +//; s/0x[0-9a-f]+/ADDR/g; s/(pid|si_pid|tid|child_tidptr|parent_tid|tgid)=[0-9]+/\1=N/g; s/^(fork|vfork|clone|clone3|wait4|getpid|gettid)(.*) = [0-9]+$/\1\2 = N/; s/^(<\.\.\. .*) = [0-9]{2,}$/\1 = N/; s/kill\([0-9]+/kill(N/; s/wait4\([0-9]+/wait4(N/; s/[0-9]+ vars/N vars/; s/si_[us]time=[0-9]+/si_time=N/g'; }

strace -o "$out" -e trace=openat,read,write,close -e read=none echo hello && clean < "$out" | grep -E 'write|exited'
strace -o "$out" -f -e trace=%process sh -c '/bin/echo one; (exit 3); /bin/echo two' && clean < "$out" | grep -cE 'execve\(|exited with'
strace -o "$out" -e trace=none -e signal=all sh -c 'trap "echo caught" USR1; kill -USR1 $$; kill -TERM $$'
clean < "$out"
strace -o "$out" -qq -e trace=nanosleep,clock_nanosleep timeout 0.2 sleep 0.01 && clean < "$out" | wc -l
strace -o "$out" -e inject=getuid:error=EPERM -e trace=getuid,geteuid id -ur; clean < "$out" | grep -E 'getuid'
strace -o "$out" -c -e trace=write sh -c 'echo a; echo b; echo c' && awk '$NF == "write" { print $4, $NF }' "$out"
# Attached while it sleeps; it goes on by itself.
sleep 1.5 & pid=$!
strace -o "$out" -p $pid 2> /dev/null; clean < "$out" | tail -1
wait $pid; echo "slept: $?"
strace -o "$out" -f -e trace=%file /usr/bin/python3 -c '
import threading, subprocess
threads = [threading.Thread(target=open, args=("/etc/passwd",)) for _ in range(3)]
[t.start() for t in threads]; [t.join() for t in threads]
subprocess.run(["/bin/true"])'
grep -c 'openat(.*"/etc/passwd"' "$out"; grep -cE 'execve\("/bin/true"|"/bin/true"' "$out"; grep -c 'exited with 0' "$out"
rm -f "$out"
