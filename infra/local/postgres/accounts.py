"""Runs PostgreSQL's programs as an unprivileged account when this process is root, as PostgreSQL requires."""

import logging
import os
import pwd
import stat
import subprocess
from pathlib import Path
from typing import Any

from infra.local.errors import StackError

log = logging.getLogger(__name__)

ACCOUNTS = ("postgres", "nobody")
"""Unprivileged accounts, in order of preference."""


def server_account(data_dir: Path) -> str | None:
    """Return the account of a server with this data directory; None is the current one.

    Raises:
        StackError: this process is root, and the machine has no suitable account.
    """
    if os.geteuid() != 0:
        return None
    if data_dir.exists() and (owner := data_dir.stat().st_uid) != 0:
        return pwd.getpwuid(owner).pw_name
    names = {entry.pw_name for entry in pwd.getpwall()}
    for name in ACCOUNTS:
        if name in names:
            return name
    raise StackError("PostgreSQL cannot run as root and this machine has no account for it: useradd -r postgres.")


def process_identity(account: str | None) -> dict[str, Any]:
    """Arguments of `subprocess` that run a process as the account."""
    if account is None:
        return {}
    entry = pwd.getpwnam(account)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def run_as(account: str | None, command: list[str], cwd: str) -> None:
    """Run a command to its end.

    Raises:
        StackError: the command failed; the message has the last line of its output.
    """
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, **process_identity(account))
    if result.returncode:
        lines = (result.stderr or result.stdout).strip().splitlines() or ["no reason given"]
        raise StackError(f"{Path(command[0]).name} failed: {lines[-1]}.")


def change_owner(account: str, path: Path, programs: Path) -> None:
    """Give a path to the account, and the right to pass through (o+x) the directories above it and `programs`."""
    entry = pwd.getpwnam(account)
    os.chown(path, entry.pw_uid, entry.pw_gid)
    if path.is_dir():
        path.chmod(0o700)
    for folder in (*path.resolve().parents, *programs.resolve().parents):
        status = folder.stat()
        if status.st_uid == 0 and not status.st_mode & stat.S_IXOTH:
            log.warning("Set o+x on %s: PostgreSQL runs as '%s' and must reach its files.", folder, account)
            folder.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)
