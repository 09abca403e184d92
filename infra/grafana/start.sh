#!/bin/sh
# Starts Grafana with the command of the arguments. Its database keeps the login of the first start: a changed
# GRAFANA_PASSWORD is set here; the name is changed in Grafana.
set -e
if [ -n "$GRAFANA_PASSWORD_FILE" ]; then
  password() { cat "$GRAFANA_PASSWORD_FILE"; }
  # Grafana reads the file itself, so that no environment has the password.
  export GF_SECURITY_ADMIN_PASSWORD="\$__file{$GRAFANA_PASSWORD_FILE}"
else
  password() { printenv GF_SECURITY_ADMIN_PASSWORD; }
fi
first_user="$GF_PATHS_DATA/first-user"
if [ -e "$GF_PATHS_DATA/grafana.db" ]; then
  if command -v grafana > /dev/null; then set_password="grafana cli"; else set_password=grafana-cli; fi
  password \
    | $set_password --homepath "$GF_PATHS_HOME" admin reset-admin-password --password-from-stdin \
    || echo "GRAFANA_PASSWORD could not be set: the login is the earlier one." >&2
  if [ -e "$first_user" ] && [ "$(cat "$first_user")" != "$GF_SECURITY_ADMIN_USER" ]; then
    echo "GRAFANA_USER has no effect after the first start: log in as $(cat "$first_user"), and change the name there." >&2
  fi
else
  mkdir -p "$GF_PATHS_DATA"
  printf '%s' "$GF_SECURITY_ADMIN_USER" > "$first_user"
fi
exec "$@"
