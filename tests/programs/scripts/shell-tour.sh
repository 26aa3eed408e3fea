#!/bin/bash
# What a long shell script does to a kernel: traps, pipelines, here-documents, job control, substitution, descriptors, limits. Prints
# nothing that differs between two runs; the host's own bash is the oracle.
set -u
shopt -s expand_aliases extglob
LC_ALL=C
work=$(mktemp -d /tmp/shell-tour.XXXXXX)
cd "$work" || exit 1
# What the shell tells of killed jobs has their numbers in it.
exec 2>/dev/null

section() { printf '\n== %s\n' "$1"; }
show() { printf '%s: %s\n' "$1" "$2"; }
# Polls until a command is true: nothing here is timed.
until_true() {
  local tries=0
  until "$@" 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -gt 2000 ] && return 1
    sleep 0.01
  done
}
state_of() { sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null; }
is_stopped() { [ "$(state_of "$1")" = T ]; }
is_running() { local state; state=$(state_of "$1"); [ "$state" = S ] || [ "$state" = R ]; }

section 'pipelines'
printf '%s\n' c a b a | sort | uniq -c | awk '{print $1, $2}'
seq 1 10000 | awk '{s += $1} END {print s}'
yes | head -n 3 | tr y n
echo one two three | { read -r first rest; show first "$first"; show rest "$rest"; }
true | false | true
show 'PIPESTATUS' "${PIPESTATUS[*]}"
set -o pipefail
sh -c 'exit 3' | cat
show 'pipefail' "$?"
set +o pipefail
yes | head -c 100000 | wc -c
show 'SIGPIPE of yes' "${PIPESTATUS[0]}"
lastpipe_value=before
echo after | read -r lastpipe_value
show 'read in a pipeline' "$lastpipe_value"
mkfifo fifo
(for i in 1 2 3; do echo "through fifo $i"; done >fifo) &
cat fifo
wait $!
show 'writer' "$?"

section 'here-documents'
name=world
cat <<END
hello $name, $((6 * 7)), $(echo nested)
END
cat <<'END'
no $expansion `here`
END
cat <<-END
	tabs are stripped
	twice
END
cat <<<"here string $name"
cat <<ONE; cat <<TWO
first
ONE
second
TWO
# Longer than a pipe holds.
big=$(seq 1 40000)
wc -l <<<"$big"
md5sum <<<"$big"

section 'substitution'
show command "$(printf 'a\nb\n\n\n' | wc -l)"
show nested "$(echo "$(echo "$(echo deep)")")"
diff <(seq 1 5) <(seq 1 6)
show 'diff' "$?"
tee >(wc -c >count) >/dev/null <<<'12345'
until_true test -s count
show 'tee to a process' "$(cat count)"
show arithmetic "$((0x10 + 010 + 2#101))"
var='path/to/file.tar.gz'
show suffix "${var%%.*} ${var##*.} ${var/to/from} ${var^^}"
array=(zero one two [7]=seven)
show array "${#array[@]} ${!array[*]} ${array[*]: -1}"
declare -A map=([x]=1 [y]=2)
map[z]=3
show map "$(for key in "${!map[@]}"; do echo "$key=${map[$key]}"; done | sort | tr '\n' ' ')"
printf -v padded '%05d|%-6s|%x' 42 left 255
show printf "$padded"
show brace "$(echo {a,b}{1..3})"
touch f1 f2 f10 g1
show glob "$(echo f* !(f*|count|fifo))"
case "$var" in *.tar.gz) show case archive ;; *) show case other ;; esac
[[ "$var" =~ ^([a-z]+)/(.*)$ ]] && show regex "${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"

section 'descriptors'
exec 3>out 4<>both
echo 'to three' >&3
echo 'to four' >&4
exec 3>&- 4>&-
cat out both
exec 5<out
read -r -u 5 line
show 'read -u' "$line"
exec 5<&-
{ echo stdout; echo stderr >&2; } >all 2>&1
cat all
{ echo only >&2; } 2>&1 >/dev/null | tr a-z A-Z
(echo closed >&7) 2>/dev/null
show 'closed descriptor' "$?"
set -C
(echo again >out) 2>/dev/null
show noclobber "$?"
set +C
echo appended >>out
cat out
{ flock -n 9 && echo locked; (flock -n 8 || echo 'locked by another') 8>lock; } 9>lock

section 'traps'
trap 'echo "got USR1"' USR1
kill -USR1 $$
trap 'echo "got TERM in $where"' TERM
where=shell
kill $$
(trap - TERM; where=subshell; kill -TERM "$BASHPID"; echo 'not reached')
show 'subshell killed' "$?"
trap '' INT
kill -INT $$
show 'ignored INT' survived
(sh -c 'kill -INT $$; echo "inherited the ignoring"')
trap - INT
trap 'echo "line fails: $?"' ERR
false
(exit 9)
trap - ERR
(trap 'echo "subshell exits with $?"' EXIT; exit 5)
show 'EXIT trap kept the code' "$?"
count=0
trap 'count=$((count + 1))' DEBUG
:
:
trap - DEBUG
[ "$count" -ge 2 ] && show DEBUG counted
returns() { trap 'echo "RETURN"' RETURN; return 4; }
returns
show 'return' "$?"
trap - RETURN
trap 'echo "child gone"' CHLD
sleep 0 &
wait $!
trap - CHLD
# A trap interrupts wait, and wait can go on.
parent=$BASHPID
trap 'interrupted=yes' USR2
interrupted=no
sleep 100 &
sleeper=$!
# Again and again: the shell may look for signals just before one comes, and then wait.
(while kill -USR2 "$parent"; do sleep 0.05; done) &
killer=$!
until [ "$interrupted" = yes ]; do wait "$sleeper"; done
show 'wait returned for the trap' "$interrupted"
kill "$killer"
wait "$killer"
kill "$sleeper"
wait "$sleeper"
show 'killed sleeper' "$?"
trap - USR2

section 'job control'
set -m
sleep 100 &
job=$!
show 'own process group' "$([ "$(ps -o pgid= -p $job 2>/dev/null | tr -d ' ')" = "$job" ] && echo yes || { read -r -a stat <"/proc/$job/stat"; [ "${stat[4]}" = "$job" ] && echo yes; })"
kill -STOP $job
until_true is_stopped $job && echo stopped
show 'stopped jobs' "$(jobs -s | wc -l | tr -d ' ')"
kill -CONT $job
until_true is_running $job && echo continued
kill -TERM -- -$job
wait $job
show 'status of the job' "$?"
(sleep 100 | cat) &
until_true is_running $!
kill %% 2>/dev/null || kill -- -$!
wait $!
show 'a pipeline as a job' "$?"
sh -c 'kill -STOP $$; echo "after the stop"' &
until_true is_stopped $!
show 'jobs -s' "$(jobs -s | wc -l | tr -d ' ')"
fg %+ >/dev/null 2>&1 || { kill -CONT -- -$!; wait $!; }
for i in 1 2 3; do (exit $i) & pids[i]=$!; done
for i in 1 2 3; do wait "${pids[i]}"; show "job $i" "$?"; done
set +m
(sleep 0.05; exit 3) & (exec sleep 100) &
last=$!
wait -n
show 'wait -n' "$?"
kill $last
wait $last 2>/dev/null
show 'the other' "$?"
wait 999999 2>/dev/null
show 'wait for a stranger' "$?"
coproc BC { while read -r a b; do echo $((a + b)); done; }
echo 3 4 >&"${BC[1]}"
read -r -u "${BC[0]}" answer
show coproc "$answer"
coproc_pid=$BC_PID
eval "exec ${BC[1]}>&-"
wait "$coproc_pid"
show 'coproc ended' "$?"

section 'builtins'
while getopts 'ab:c' option -a -b value -c; do show "option $option" "${OPTARG-none}"; done
mapfile -t lines < <(seq 5 8)
show mapfile "${#lines[@]} ${lines[3]}"
IFS=: read -r -a fields <<<'a:b::d'
show fields "${#fields[@]} ${fields[3]}"
read -r -n 3 short <<<'abcdef'
show 'read -n' "$short"
read -r -d ';' until_semicolon <<<'first;second'
show 'read -d' "$until_semicolon"
read -r -t 0.05 nothing < <(sleep 0.5)
show 'read timed out' "$(($? > 128))"
select choice in apple pear; do show select "$choice"; break; done <<<2
pushd / >/dev/null && show pushd "$PWD" && popd >/dev/null
show 'popd' "$([ "$PWD" = "$work" ] && echo back)"
alias shout='echo LOUD'
eval 'shout alias'
show 'type' "$(type -t cd) $(type -t show) $(type -t sort)"
local_test() { local -r fixed=1; (fixed=2) || true; show local "$fixed"; }
local_test
declare -n reference=name
show nameref "$reference"
declare -i number=5
number+=7
show integer "$number"
show 'default' "${unset_variable:-fallback} ${unset_variable+set}"
(: "${unset_variable:?is missing}") || show ':?' "$?"
set -- one 'two words' three
show 'arguments' "$# $2 ${*: -1}"
shift 2
show shift "$1"
for ((i = 0; i < 3; i++)); do [ "$i" = 1 ] && continue; printf '%d ' "$i"; done
echo
until [ "${n:=0}" -ge 2 ]; do n=$((n + 1)); done
show until "$n"
source /dev/stdin <<<'sourced=yes'
show source "$sourced"
hash -r && command -v sort >/dev/null && show 'command -v' found
test -p fifo && test ! -e missing && show test 'fifo is a pipe'
export -f show
bash -c 'show "exported function" "$0"' here

section 'processes'
(exit 300)
show 'exit code is a byte' "$?"
sh -c 'kill -KILL $$' 2>/dev/null
show 'killed' "$?"
sh -c 'kill -SEGV $$' 2>/dev/null
show 'segv' "$?"
no-such-command-here 2>/dev/null
show 'not found' "$?"
: >plain
./plain 2>/dev/null
show 'not executable' "$?"
printf '#!/bin/sh\necho "script $0 $*"\n' >script
chmod +x script
./script a b
printf '#!/no/such/interpreter\n' >broken
chmod +x broken
./broken 2>/dev/null
show 'no interpreter' "$?"
printf '#!/usr/bin/env -S bash -e\necho "$-" | tr -cd e\necho\n' >strict
chmod +x strict
./strict
exec_result=$(exec sh -c 'echo replaced')
show exec "$exec_result"
(exec -a other-name sh -c 'tr "\0" " " </proc/$$/cmdline'; echo) | sed 's/ -c.*//'
env -i A=1 sh -c 'env | grep -v -e ^PWD -e ^_ -e ^SHLVL | sort'
nohup sh -c 'trap' </dev/null 2>/dev/null | head -n 1
timeout 0.1 sleep 100
show 'timeout' "$?"
timeout -s KILL 0.1 sleep 100 2>/dev/null
show 'timeout -s KILL' "$?"
xargs -P 3 -n 1 sh -c 'echo "arg $0"' <<<'1 2 3 4 5' | sort
find . -name 'f*' -exec sh -c 'echo "found ${0#./}"' {} \; | sort
fib() { local n=$1; if [ "$n" -lt 2 ]; then echo "$n"; else echo $(($(fib $((n - 1))) + $(fib $((n - 2))))); fi; }
show 'fib 8 by subshells' "$(fib 8)"

section 'limits and identity'
(ulimit -n 20; exec 19>/dev/null && echo 'descriptor 19'; (exec 25>/dev/null) 2>/dev/null || echo 'none above the limit')
(ulimit -f 1; trap '' XFSZ; head -c 100000 /dev/zero >large 2>/dev/null; show 'file size limit' "$(($(stat -c %s large) <= 1024))")
(ulimit -v 100000; show 'address space' "$(ulimit -v)")
(ulimit -S -c 0; show 'soft core' "$(ulimit -c)")
umask 027
touch masked
show umask "$(stat -c %a masked)"
show 'nice' "$(nice -n 5 nice)"
time_format=$({ TIMEFORMAT='%R'; time true; } 2>&1)
[[ "$time_format" =~ ^[0-9]+\.[0-9]+$ ]] && show time works
SECONDS=0
show 'times' "$(times | wc -l | tr -d ' ')"

section 'end'
trap 'echo "leaving with $?"; cd / && rm -rf "$work"' EXIT
exit 7
