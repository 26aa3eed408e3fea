# busybox's own shell with its own tools: pipelines, traps, here-documents, background jobs.
exec 2>/dev/null
PATH=/none
bb() { /usr/bin/busybox "$@" 2>/dev/null || /bin/busybox "$@"; }
seq 3 2>/dev/null | wc -l
bb seq 1 5 | bb awk '{s += $1} END {print s}'
bb printf '%s\n' b a c | bb sort | bb tr '\n' ' '
echo
bb cat <<END
here $((1 + 2))
END
trap 'echo trapped' USR1
kill -USR1 $$
(exit 4)
echo "status $?"
bb sleep 0 &
wait $!
echo "waited $?"
bb sleep 100 &
kill $!
wait $!
echo "killed $?"
value=$(bb echo substituted | bb sed 's/sub/re/')
echo "$value"
bb sh -c 'echo nested $0 $1' a b
bb head -c 20000 /dev/zero | bb md5sum
for word in one two; do case $word in o*) echo "$word matches" ;; *) echo "$word does not" ;; esac; done
bb find /proc/self/fd -type l | bb wc -l >/dev/null && echo found
