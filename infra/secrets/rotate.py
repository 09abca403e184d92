"""Replaces secrets by new ones; the next start puts them in force. ``make rotate`` does both.

In Docker Compose only the container ``secrets`` can write the files: ``docker compose run --rm secrets python -m
infra.secrets.rotate NAME`` says what to do then. Every step can be repeated, and finishes one that was killed.
"""

import argparse
import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from infra.secrets.distribute import ALL, distribute, log
from infra.secrets.generate import FERNET_KEY, SECRETS, SUPERUSERS, former_file, former_passwords
from ml.core.names import DASK_CERTIFICATE, PUBLIC_KEYS, SIGNING_KEY
from ml.core.signing.keys import replace_file, retire_former_keys, rotate

COMMAND: Final = "docker compose run --rm secrets python -m infra.secrets.rotate"
_AIRFLOW: Final = ("airflow-apiserver", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer")
HOLDERS: Final[dict[str, tuple[str, ...]]] = {
    "postgres_password": ("postgres-roles",),
    "mlflow_postgres_password": ("mlflow-postgres-roles",),
    "postgres_monitor_password": ("postgres-roles", "postgres-exporter", "exporter"),
    "mlflow_postgres_monitor_password": ("mlflow-postgres-roles", "mlflow-postgres-exporter"),
    "airflow_db_password": ("postgres-roles", *_AIRFLOW),
    "diabetes_db_password": ("postgres-roles",),
    "api_db_password": ("postgres-roles",),
    "mlflow_db_password": ("mlflow-postgres-roles", "mlflow"),
    FERNET_KEY: ("airflow-init", *_AIRFLOW),
    "airflow_api_secret_key": _AIRFLOW,
    "airflow_exporter_password": ("airflow-init", "exporter"),
    "airflow_interface_password": ("airflow-init", "streamlit"),
    "gateway_password": ("gateway",),
    "airflow_jwt_secret": ("airflow-apiserver", "airflow-scheduler"),
    DASK_CERTIFICATE: ("dask-scheduler", "dask-worker", "airflow-worker"),
    "valkey_password": ("valkey", "airflow-scheduler", "airflow-worker"),
}
"""Services of Compose that set a secret or read it when they start. The others read it when they use it."""


OF_OVERLAYS: Final = {"gateway", "valkey", "airflow-worker", "dask-scheduler", "dask-worker"}
"""Services that are in docker-compose.gateway.yml or docker-compose.scale.yml only."""


def refusal(names: Iterable[str]) -> str | None:
    """The reason not to rotate these secrets, or None."""
    for name in names:
        if name not in SECRETS:
            return f"There is no secret {name}: the secrets are {', '.join(SECRETS)}."
        if name == "prediction_log_key":
            return (
                "prediction_log_key is not rotated: it makes the pseudonyms in the prediction log, so with another key "
                "outcomes by encounter find no earlier prediction. If that is acceptable, as after a theft, delete its "
                "file and start the platform: a new one is generated."
            )
    return None


def rotate_secret(folder: Path, name: str) -> None:
    """Replace the file of a secret. What the next start needs of the former one to put it in force is kept."""
    file = folder / name
    former = file.read_text().strip()
    content = SECRETS[name]()
    if name in SUPERUSERS:  # the server asks for it until the next start has set the new one
        earlier = former_passwords(folder, name)
        replace_file(former_file(folder, name), "\n".join(dict.fromkeys([former, *earlier])), 0o400)
    elif name == FERNET_KEY:
        if "," in former:
            return  # a rotation was begun, and data may be encrypted with either key
        content = f"{content},{former}"
    replace_file(file, content, 0o400)


def forget_former(folder: Path, name: str) -> None:
    """Remove what a finished rotation has left."""
    former_file(folder, name).unlink(missing_ok=True)
    if name == FERNET_KEY:
        key, separator, _ = (folder / name).read_text().strip().partition(",")
        if separator:
            replace_file(folder / name, key, 0o400)


def main() -> None:
    """Replace secrets by new ones, or end the validity of former keys; without a name, of the signing key."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(prog="python -m infra.secrets.rotate", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SECRETS))
    parser.add_argument("--retire", action="store_true", help="remove the former keys instead")
    options = parser.parse_args()
    names: list[str] = options.names or [SIGNING_KEY]
    if reason := refusal(names):
        sys.exit(reason)
    for name in names:
        if name == SIGNING_KEY:
            _signing_key(options.retire)
        elif options.retire:
            forget_former(ALL, name)
        else:
            rotate_secret(ALL, name)
    distribute()
    if not options.retire:
        for line in next_steps(names):
            log.info("%s", line)


def _signing_key(retire: bool) -> None:
    if retire:
        log.info("Removed public keys: %s", ", ".join(retire_former_keys(ALL / PUBLIC_KEYS)) or "none")
    else:
        log.info("The new signing key is %s.", rotate(ALL / SIGNING_KEY, ALL / PUBLIC_KEYS).id)


def next_steps(names: Iterable[str]) -> list[str]:
    """The commands that put new secrets in force."""
    names = list(names)
    steps = []
    holders = dict.fromkeys(service for name in names for service in HOLDERS.get(name, ()))
    if own := [service for service in holders if service not in OF_OVERLAYS]:
        steps.append(f"Now run: docker compose up -d --force-recreate {' '.join(own)}")
    if others := [service for service in holders if service in OF_OVERLAYS]:
        steps.append(f"If it runs, run: docker compose up -d --no-deps --force-recreate {' '.join(others)}")
    if FERNET_KEY in names:
        steps.append(f"When that has succeeded, run: {COMMAND} {FERNET_KEY} --retire")
    if SIGNING_KEY in names:
        steps.append("Now run: docker compose exec airflow-scheduler python -m ml rotate-signing-key")
    return steps


if __name__ == "__main__":
    main()
