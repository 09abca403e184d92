"""What a program is started with, as its file for :mod:`infra.local.supervision.launch` says, and what has changed."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.local.programs.program import Program
from infra.local.settings import StackPaths

SECRET_NAME = re.compile(r"\{(\w+)\}")
"""In a template of a secret variable."""


def launch_file(program: Program, paths: StackPaths) -> dict[str, Any]:
    """What a program is started with; of its secrets only digests, by which a rotated one is noticed."""
    templates = program.secret_environment.values()
    secrets = {*program.secrets, *(name for text in templates for name in SECRET_NAME.findall(text))}
    return {
        "command": program.command,
        "environment": dict(program.environment),
        "secret_environment": dict(program.secret_environment),
        "secrets_dir": str(paths.secrets),
        "secrets": {name: _digest(paths.secrets / name) for name in sorted(secrets)},
        "ports": dict(program.ports),
    }


def _digest(secret: Path) -> str:
    """Digest of a secret; of several keys the first counts, because the others are on their way out."""
    content = secret.read_text().strip() if secret.exists() else ""
    return hashlib.sha256(f"{secret.name}\0{content.partition(',')[0]}".encode()).hexdigest()[:16]


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the variables and secrets that differ between two starts of a program."""
    names = set()
    for part in ("environment", "secret_environment", "secrets"):
        earlier, present = before.get(part, {}), now[part]
        names |= {name for name in {**earlier, **present} if earlier.get(name) != present.get(name)}
    if not names and before.get("command") != now["command"]:
        names = {"the command line"}
    return tuple(sorted(names))
