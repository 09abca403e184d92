"""Generates missing secrets, one file each; existing ones are never overwritten.

    python infra/secrets/generate.py DIR [--names a,b] [--mode 0440] [--owner UID]

Compose runs this file alone, so it uses only the standard library. The output contains names, never values. Mode and
owner are also set on existing files, so that a change of the user id takes effect.
"""

import argparse
import base64
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path


def password() -> str:
    """Generate a password that needs no quoting in a URL."""
    return secrets.token_urlsafe(24)


def fernet_key() -> str:
    """Generate a Fernet key: 32 random bytes in URL-safe base 64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


SECRETS: dict[str, Callable[[], str]] = {
    "postgres_password": password,
    "postgres_monitor_password": password,
    "mlflow_postgres_password": password,
    "mlflow_postgres_monitor_password": password,
    "airflow_db_password": password,
    "diabetes_db_password": password,
    "mlflow_db_password": password,
    "prediction_log_key": password,
    "airflow_fernet_key": fernet_key,
    "airflow_api_secret_key": password,
    "airflow_jwt_secret": lambda: secrets.token_urlsafe(48),
}
"""All secrets of the platform, with their generators."""


def missing(folder: Path, names: Sequence[str] = tuple(SECRETS)) -> list[str]:
    """Return the names whose file is absent or empty."""
    return [name for name in names if not (folder / name).is_file() or not (folder / name).stat().st_size]


def generate(
    folder: Path, names: Sequence[str] = tuple(SECRETS), mode: int = 0o400, owner: int | None = None
) -> list[str]:
    """Create the missing files atomically; returns their names."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    created = [name for name in missing(folder, names) if _create(folder / name, SECRETS[name](), mode)]
    for name in names:
        (folder / name).chmod(mode)
        if owner is not None:
            os.chown(folder / name, owner, -1)
    return created


def _create(path: Path, content: str, mode: int) -> bool:
    """Write a draft and link it to `path`; of two concurrent calls the first wins."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists() and not path.stat().st_size:
            path.unlink()
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Create the missing secrets of the platform.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--names", default=",".join(SECRETS), help="comma-separated; default: all")
    parser.add_argument(
        "--mode", type=lambda text: int(text, 8), default=0o400, help="octal mode of each file; default: 0400"
    )
    parser.add_argument("--owner", type=int, help="user id of each file; default: the current user")
    options = parser.parse_args(arguments)
    names = [name for name in options.names.split(",") if name]
    unknown = [name for name in names if name not in SECRETS]
    if unknown:
        parser.error(f"unknown secret {unknown[0]!r}: the secrets are {', '.join(SECRETS)}")
    created = generate(options.folder, names, options.mode, options.owner)
    sys.stdout.write(f"created {', '.join(created)}\n" if created else "all secrets exist\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
