#!/bin/sh
# Starts Grafana with the command of the arguments. Its database keeps the password of the first start: a changed
# GRAFANA_PASSWORD is set here.
set -e
if [ -e "$GF_PATHS_DATA/grafana.db" ]; then
  if command -v grafana > /dev/null; then set_password="grafana cli"; else set_password=grafana-cli; fi
  printenv GF_SECURITY_ADMIN_PASSWORD \
    | $set_password --homepath "$GF_PATHS_HOME" admin reset-admin-password --password-from-stdin \
    || echo "GRAFANA_PASSWORD could not be set: the login is the earlier one." >&2
fi
exec "$@"
