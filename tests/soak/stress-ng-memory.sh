#!/usr/bin/env bash
# stress-ng's memory stressors in the sandbox, one after another, each checked by --verify.
# The sandbox has 1 GiB (SANDBOX_OPTIONS says otherwise). vm-segv needs ptrace(2): without it its child stops itself, and nobody wakes it.
# usage: stress-ng-memory.sh [seconds] [stressor…]; a stressor may carry options: 'vm --vm-bytes 64m'. Ends with the number that failed.
set -u
cd "$(dirname "$0")/../.." || exit 99
seconds=${1:-20}
shift || true
if [ $# -gt 0 ]; then
  stressors=("$@")
else
  stressors=(
    'vm --vm-bytes 128m' 'mmap --mmap-bytes 64m' 'mremap --mremap-bytes 32m' brk madvise 'fork --fork-max 4' 'shm --shm-bytes 8m'
    'shm-sysv --shm-sysv-bytes 8m' 'userfaultfd --userfaultfd-bytes 16m' mlock mincore 'memfd --memfd-bytes 64m' msync stack
    'bigheap --bigheap-growth 1m' 'malloc --malloc-bytes 64m' vm-segv 'vm-rw --vm-rw-bytes 16m' 'vm-splice --vm-splice-bytes 64k'
    'vm-addr' pageswap remap mprotect 'mmapfork' mmapaddr mmapfixed mmaphuge mmapmany munmap 'fault' 'stackmmap' 'shellsort'
    'sem-sysv' 'msg' 'memthrash' 'mcontend' 'numa' 'membarrier' 'zero' 'dev-shm' 'pkey' 'physpage' 'full' 'prefetch'
  )
fi
command -v stress-ng >/dev/null || { echo 'stress-ng is not installed: apt-get install stress-ng'; exit 77; }
# A machine that others use too may want each run to take a lock.
LOCK=${LOCK:-}
failed=0
for one in "${stressors[@]}"; do
  read -ra words <<<"$one"
  log=$(mktemp)
  # shellcheck disable=SC2086
  $LOCK timeout --kill-after=5 $((seconds * 3 + 60)) node packages/cli/bin/sandbox-cli.cjs run ${SANDBOX_OPTIONS:---memory 1g} -- \
    stress-ng --temp-path /tmp --no-rand-seed --verify --oomable --timeout "${seconds}s" --"${words[0]}" 1 "${words[@]:1}" >"$log" 2>&1
  status=$?
  # 3 and 4: the stressor says that the system lacks something it needs.
  case $status in
    0) verdict=ok ;;
    3 | 4) verdict="skipped ($status)" ;;
    *) verdict="FAILED ($status)"; failed=$((failed + 1)) ;;
  esac
  printf '%-14s %s\n' "${words[0]}" "$verdict"
  if [ "$verdict" != ok ]; then grep -vE 'dispatching|defaulting|setting to|successful run' "$log" | head -12; fi
  rm -f "$log"
done
echo "$failed failed"
exit "$failed"
