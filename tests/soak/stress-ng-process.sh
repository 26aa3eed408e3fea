#!/usr/bin/env bash
# stress-ng's stressors of processes, threads, signals, futexes, terminals and IPC, as stress-ng-memory.sh runs those of memory: each must end
# by itself, without an exception of the sentry. Those that need ptrace(2) are left out.
# usage: stress-ng-process.sh [seconds] [stressor…]
set -u
cd "$(dirname "$0")" || exit 99
seconds=${1:-5}
shift || true
if [ $# -eq 0 ]; then
  set -- affinity clone cyclic daemon eventfd exec exit-group fifo 'fork --fork-max 4' forkheavy futex hrtimers kill kcmp loadavg mmapfork mq msg \
    mutex nanosleep nice poll pthread race-sched reboot resched resources schedpolicy sem sem-sysv session sleep softlockup spawn switch vfork \
    vforkmany wait yield zombie alarm clock itimer pidfd sigabrt sigchld sigfd sigfpe sigio signal signest sigpending sigpipe sigq sigrt sigsegv \
    sigsuspend sigtrap timer timerfd bad-altstack cap dup env epoll ioprio membarrier opcode personality pipe pipeherd prctl pty revio ring-pipe \
    rlimit fsize set sock sockfd sockpair sockmany splice tee sysbadaddr syscall sysinfo enosys usersyscall vdso x86syscall
fi
SANDBOX_OPTIONS=${SANDBOX_OPTIONS:---memory 1g --pids-limit 2000} exec bash ./stress-ng-memory.sh "$seconds" "$@"
