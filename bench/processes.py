"""Processor time and memory of processes."""

from contextlib import suppress
from pathlib import Path

import psutil


def processor_seconds(process: psutil.Process, without: psutil.Process | None = None) -> float:
    """Processor time of a process and its descendants, ended ones included; ``without`` is a descendant left out."""
    left_out = {without, *without.children(recursive=True)} if without else set()
    family = {process, *process.children(recursive=True)} - left_out
    return sum(map(_seconds, family))


def _seconds(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        return sum(process.cpu_times()[:4])
    return 0.0


def peak_mb(pid: int) -> int:
    """Peak memory of a process since its program began; 0 if it has ended."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024
    return 0
