# archive_command: archive_wal.sh FOLDER PATH NAME. Puts one WAL file, compressed, into FOLDER/IDENTIFIER OF THE CLUSTER.
# It ends with 0 only when the file is on the disk. After a crash PostgreSQL may archive a file once more: an equal one
# is accepted; another one is never replaced, and PostgreSQL keeps its own and tries again.
set -eu
umask 077
cluster="$(LC_ALL=C pg_controldata . | sed -n 's/^Database system identifier: *//p')"
folder="$1/${cluster:?}"
target="$folder/$3.gz"
mkdir -p -m 777 "$folder"  # in Docker Compose another user deletes what is not needed
if [ -e "$target" ]; then
  if ! gzip -dc "$target" | cmp -s - "$2"; then
    echo "$target exists and is not a copy of $2" >&2
    exit 1
  fi
else
  gzip -c "$2" > "$target.part"
  sync "$target.part"
  mv "$target.part" "$target"
fi
sync "$target" "$folder"
