"""The machine that a result was measured on."""

import os
import platform
from importlib import metadata
from typing import Any

import psutil


def machine(*packages: str) -> dict[str, Any]:
    """Cores, memory, load, system, Python, and the versions of some packages."""
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1024**3),
        "load_average": [round(value, 1) for value in os.getloadavg()],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in packages},
    }
