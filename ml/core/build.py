"""Version and commit of the running code.

Images set ``BUILD_VERSION`` and ``BUILD_COMMIT``. Elsewhere the version comes from ``pyproject.toml`` and the commit
from ``.git``, both read as plain files: an installed ``git`` is not required.
"""

import os
import re
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

UNKNOWN: Final = "unknown"

_ROOT: Final = Path(__file__).parents[2]
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """Version and full commit id; either may be ``unknown``."""

    version: str
    commit: str

    @property
    def short_commit(self) -> str:
        """The first seven characters of the commit id."""
        return self.commit[:7] if _COMMIT.fullmatch(self.commit) else self.commit


def build_info(root: Path = _ROOT) -> BuildInfo:
    """Return what the environment names, else what the repository at ``root`` names, else ``unknown``."""
    return BuildInfo(
        version=os.environ.get("BUILD_VERSION") or _version(root) or UNKNOWN,
        commit=os.environ.get("BUILD_COMMIT") or _commit(root) or UNKNOWN,
    )


def release(root: Path = _ROOT) -> str:
    """Version in ``pyproject.toml``, whatever an image was told when it was built; ``unknown`` without that file."""
    return _version(root) or UNKNOWN


def _version(root: Path) -> str | None:
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
        return str(project["project"]["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _commit(root: Path) -> str | None:
    """Commit that ``HEAD`` points to. In a worktree ``.git`` is a file that names the directory of its ``HEAD``."""
    git = root / ".git"
    if (pointer := _read(git)).startswith("gitdir:"):
        git = root / pointer.removeprefix("gitdir:").strip()
    head = _read(git / "HEAD")
    if head.startswith("ref:"):
        head = _resolve(git, head.removeprefix("ref:").strip())
    return head if _COMMIT.fullmatch(head) else None


def _resolve(git: Path, ref: str) -> str:
    """Commit of a branch. Worktrees share the branches of the directory that ``commondir`` names."""
    common = git / (_read(git / "commondir") or ".")
    for directory in (git, common):
        if commit := _read(directory / ref):
            return commit
    packed = (line.split() for line in _read(common / "packed-refs").splitlines())
    return next((words[0] for words in packed if words[1:] == [ref]), "")


def _read(path: Path) -> str:
    """Content of a file without surrounding white space; empty when it cannot be read."""
    with suppress(OSError, ValueError):
        return path.read_text(encoding="utf-8").strip()
    return ""
