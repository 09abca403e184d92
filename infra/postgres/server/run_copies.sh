# run_copies.sh FOLDER. Runs the copies of servers in FOLDER/NAME, which a restore has prepared there, for as long as it
# holds the lock of the folder. It ends with the restore, also if that is killed.
set -eu
cd "$1" 2> /dev/null || exit 0
is_needed() { [ -e ready ] && ! flock -n .lock true; }
is_needed || exit 0
pids=""
for signal in */recovery.signal; do
  copy="${signal%/*}"
  postgres -D "$PWD/$copy" > "$copy.log" 2>&1 &
  pids="$pids $!"
done
while is_needed; do sleep 1; done
# Without a last checkpoint, because the copies are deleted. One that could not be recovered has ended by itself.
kill -QUIT $pids 2> /dev/null || true
wait
