"""Log files: their last lines, and following them."""

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text


def tail(path: Path, lines: int = 20) -> list[str]:
    """The last lines of a log, none when there is no such file."""
    if not path.exists():
        return []
    with path.open(errors="replace") as file:
        return [line.rstrip("\n") for line in deque(file, maxlen=lines)]


def show_tail(console: Console, path: Path, lines: int = 20) -> None:
    """Print the last lines of a log, below its name."""
    console.print(f"[dim]the end of {path}:[/]", soft_wrap=True)
    for line in tail(path, lines):
        console.print(Text(line, style="dim"), soft_wrap=True)


def follow(path: Path, poll_seconds: float = 0.5) -> Iterator[str]:
    """The lines that are added to a log from now on, through its rotations, for ever."""
    file = path.open(errors="replace")
    file.seek(0, 2)
    try:
        while True:
            if line := file.readline():
                yield line.rstrip("\n")
            elif path.exists() and path.stat().st_ino != _inode(file.fileno()):
                file.close()
                file = path.open(errors="replace")
            else:
                time.sleep(poll_seconds)
    finally:
        file.close()


def _inode(descriptor: int) -> int:
    return os.fstat(descriptor).st_ino
