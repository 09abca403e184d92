# Runs /roles/$ROLES as superuser of the server $POSTGRES_HOST. If the server still has a former password of the
# superuser, because of a rotation, it first sets the present one. No argument or log contains a password.
umask 077
export PGHOST="$POSTGRES_HOST" PGUSER=postgres PGPASSFILE=/tmp/pgpass

log_in_with() {
  printf '*:*:*:postgres:%s' "$1" > "$PGPASSFILE"
  psql -q -w -c 'SELECT' > /dev/null 2>&1
}

present="$(cat "$POSTGRES_PASSWORD_FILE")"
former="$(dirname "$POSTGRES_PASSWORD_FILE")/.$(basename "$POSTGRES_PASSWORD_FILE").former"
if ! log_in_with "$present" && [ -e "$former" ]; then
  for password in $(cat "$former"); do
    if log_in_with "$password"; then
      psql -q -v ON_ERROR_STOP=1 << 'SQL'
\set password `cat "$POSTGRES_PASSWORD_FILE"`
ALTER ROLE postgres PASSWORD :'password';
SQL
      break
    fi
  done
  log_in_with "$present" || true  # if it fails, the last command prints the server's reason
fi
exec psql -q -v ON_ERROR_STOP=1 -f "/roles/$ROLES"
