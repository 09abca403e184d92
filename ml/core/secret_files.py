"""Secrets that people choose, in files: ``NAME_FILE`` is the path of the file with the value of ``NAME``.

A file takes precedence over the variable. Its secret is in no environment, and ``docker inspect`` does not show it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from ml.core.errors import SettingsError

CHOSEN: Final = ("AIRFLOW_PASSWORD", "GRAFANA_PASSWORD", "API_KEYS", "OPERATOR_KEY", "API_KEY", "BACKUP_PASSPHRASE")
"""The settings that may be in a file. The other secrets are generated, and are files already."""


def with_secret_files(variables: Mapping[str, str], names: Iterable[str] = CHOSEN) -> dict[str, str]:
    """The variables, with the secrets of their files.

    Raises:
        SettingsError: a file is absent, empty or not readable.
    """
    paths = {name: path for name in names if (path := variables.get(f"{name}_FILE"))}
    return {**variables, **{name: _read(name, path) for name, path in paths.items()}}


def _read(name: str, path: str) -> str:
    try:
        secret = Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text"
        raise SettingsError(
            f"{name}_FILE={path} cannot be read ({reason}): create the file, or correct its path or permissions."
        ) from None
    if not secret:
        raise SettingsError(f"{name}_FILE={path} is empty: write the secret into the file.")
    return secret
