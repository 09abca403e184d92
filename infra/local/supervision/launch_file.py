"""What a program is started with, as its file for :mod:`infra.local.supervision.launch` says, and what has changed."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.local.programs.program import Program
from infra.local.settings import ROOT, StackPaths
from ml.core.secret_files import CHOSEN

SECRET_NAME = re.compile(r"\{(\w+)\}")
"""In a template of a secret variable."""


def launch_file(program: Program, paths: StackPaths) -> dict[str, Any]:
    """What a program is started with; of its secrets only digests, by which a rotated one is noticed.

    Of a generated secret with several keys the first counts, because the others are on their way out.
    """
    templates = program.secret_environment.values()
    secrets = {*program.secrets, *(name for text in templates for name in SECRET_NAME.findall(text))}
    return {
        "command": program.command,
        "environment": dict(program.environment),
        "secret_environment": dict(program.secret_environment),
        "secrets_dir": str(paths.secrets),
        "secrets": {
            **{name: _digest(name, _content(paths.secrets / name).partition(",")[0]) for name in sorted(secrets)},
            **{
                name: _digest(name, _content(ROOT / file))
                for name in CHOSEN
                if (file := program.environment.get(f"{name}_FILE"))
            },
        },
        "ports": dict(program.ports),
    }


def _content(secret: Path) -> str:
    return secret.read_text().strip() if secret.exists() else ""


def _digest(name: str, content: str) -> str:
    return hashlib.sha256(f"{name}\0{content}".encode()).hexdigest()[:16]


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the variables and secrets that differ between two starts of a program."""
    names = set()
    for part in ("environment", "secret_environment", "secrets"):
        earlier, present = before.get(part, {}), now[part]
        names |= {name for name in {**earlier, **present} if earlier.get(name) != present.get(name)}
    if not names and before.get("command") != now["command"]:
        names = {"the command line"}
    return tuple(sorted(names))
