# Entry point of the servers in Docker Compose: with WAL_ARCHIVE_DIR, the server archives its WAL and allows base backups.
if [ -n "${WAL_ARCHIVE_DIR:-}" ]; then
  set -- "$@" -c archive_mode=on -c archive_timeout=60 -c hba_file=/server/pg_hba.conf \
    -c "archive_command=sh /server/archive_wal.sh /wal-archive %p %f"
fi
exec docker-entrypoint.sh "$@"
