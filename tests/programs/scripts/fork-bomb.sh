#!/bin/bash
# Processes that double until the cap of tasks is reached; the shell goes on, and ends them all. Run as process 1 with a cap of about 100.
mkfifo "/tmp/quiet.$$"
exec 3<>"/tmp/quiet.$$" 2>/dev/null
bomb() { bomb | bomb & }
(bomb)
# Builtins only: there may be no task left for anything else.
for i in 1 2 3 4 5; do
  read -r -t 0.2 -u 3 nothing
  echo "responsive $i"
done
kill -KILL -1
/bin/echo 'forks again'
