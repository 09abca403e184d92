"""Reads the end of log files."""

from collections import deque
from pathlib import Path

from rich.console import Console
from rich.text import Text


def tail(path: Path, lines: int = 20) -> list[str]:
    """Return the last lines of a log; none when the file does not exist."""
    if not path.exists():
        return []
    with path.open(errors="replace") as file:
        return [line.rstrip("\n") for line in deque(file, maxlen=lines)]


def show_tail(console: Console, path: Path, lines: int = 20) -> None:
    """Print the path of a log and its last lines."""
    console.print(f"[dim]the end of {path}:[/]", soft_wrap=True)
    for line in tail(path, lines):
        console.print(Text(line, style="dim"), soft_wrap=True)
