#!/bin/sh
# Installs the packages of uv.lock: install.sh [OPTIONS OF uv sync]. The lock has the addresses of the public index;
# with UV_DEFAULT_INDEX the same files, verified by their hashes, come from that index.
set -eu
uv=${UV:-uv}
if [ -z "${UV_DEFAULT_INDEX:-}" ]; then
  unset UV_DEFAULT_INDEX
  exec "$uv" sync --frozen "$@"
fi
environment=${UV_PROJECT_ENVIRONMENT:-.venv}
requirements=$(mktemp)
trap 'rm -f "$requirements"' EXIT
"$uv" export --quiet --frozen --output-file "$requirements" "$@"
[ -x "$environment/bin/python" ] || "$uv" venv ${UV_PYTHON:+--python "$UV_PYTHON"} "$environment"
"$uv" pip sync --python "$environment/bin/python" --require-hashes "$requirements"
