# gdb at work on the program $1: breakpoints, steps, calls, signals, threads, a crash. Without addresses and numbers of processes.
clean() { sed -E 's/0x[0-9a-f]+/ADDR/g; s/(process|LWP) [0-9]+/\1 N/g; s/expected=[0-9]+/expected=N/; s/(Id|Target Id) +/\1 /g; s/("debugged") .*/\1/; s#(in )?\./[^ ]*/(sysdeps|nptl|signal|misc)[^ ]*#SOURCE#g' | grep -vE '^$|libthread_db|debuginfo|warning:|No such file'; }
gdb -batch -nx -ex 'set startup-with-shell on' -ex 'break square' -ex 'run first' -ex bt -ex 'print *p' -ex next -ex next -ex 'print total' \
  -ex 'set variable total = 100' -ex finish -ex 'stepi' -ex 'stepi' -ex 'delete' -ex 'handle SIGUSR1 stop print pass' -ex continue \
  -ex 'print total' -ex 'print square(&p)' -ex 'break worker' -ex continue -ex 'info threads' -ex 'thread apply all print total' -ex continue "$1" 2>&1 | clean | grep -vE 'New Thread|exited\]$'
gdb -batch -nx -ex run -ex 'print $_siginfo.si_signo' -ex 'print $_siginfo._sifields._sigfault.si_addr' -ex 'frame function main' -ex kill --args "$1" a b 2>&1 | clean | grep -E 'received|^\$|main'
gdb -batch -nx -ex 'set can-use-hw-watchpoints 0' -ex 'break main' -ex run -ex 'watch total' -ex continue -ex continue -ex 'print $xmm0.v4_float[0] * 0' -ex 'print $sp != 0' -ex kill "$1" 2>&1 | clean
gdb -batch -nx -ex 'break main' -ex run -ex 'watch total' -ex 'hbreak square' -ex continue -ex continue -ex continue -ex 'delete 3' -ex continue -ex 'info watchpoints' -ex kill "$1" 2>&1 | clean
sleep 30 & pid=$!
gdb -batch -nx -ex 'print $rip != 0' -ex detach -p $pid 2>&1 | clean | grep -E '^\$'
kill $pid; wait $pid; echo "attached and left: $?"
