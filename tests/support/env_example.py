"""What ``.env.example`` documents."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def documented_settings() -> dict[str, str]:
    """Every variable, commented out or not, with its value."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(match.groups() for line in lines if (match := re.fullmatch(r"(?:# )?([A-Z][A-Z_]+)=(.*)", line)))
