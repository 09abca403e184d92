"""Rules and routes of a stack in a hurry: what takes minutes takes seconds, in the same proportions.

Drills wait for real alerts. Each duration of the configuration is divided by the same number, so that one still lasts
as long beside the others as it does in production; what is compared (26 hours, 0.5 seconds) stays as it is.
"""

import re
from typing import Any, Final

import yaml

SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = re.compile(r"(\d+)([smhd])")
_IN_EXPRESSION: Final = re.compile(r"(?<=\[)\d+[smhd](?=\])|(?<=offset )\d+[smhd]\b")
_WAITS: Final = ("for", "keep_firing_for", "group_wait", "group_interval", "repeat_interval")


def hurried(text: str, times: int, *, least: int = 1, range_least: int = 1) -> str:
    """The same YAML with every waiting time, range and offset divided.

    Args:
        text: a file of rules, or the configuration of Alertmanager.
        times: the divisor.
        least: seconds that a waiting time has at least.
        range_least: seconds that a range or offset of an expression has at least: some scrapes have to fall into it.
    """
    return yaml.safe_dump(_hurried(yaml.safe_load(text), times, least, range_least), sort_keys=False, width=1000)


def divided(duration: str, times: int, least: int) -> str:
    """``5m`` divided by 10 is ``30s``; never less than `least` seconds."""
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise ValueError(f"{duration!r} is no duration of one number and one unit")
    return f"{max(int(found[1]) * SECONDS[found[2]] // times, least)}s"


def _hurried(node: Any, times: int, least: int, range_least: int) -> Any:
    if isinstance(node, list):
        return [_hurried(item, times, least, range_least) for item in node]
    if not isinstance(node, dict):
        return node
    changed = {}
    for key, value in node.items():
        if key in _WAITS:
            changed[key] = divided(value, times, least)
        elif key == "expr":
            changed[key] = _IN_EXPRESSION.sub(lambda found: divided(found[0], times, range_least), value)
        else:
            changed[key] = _hurried(value, times, least, range_least)
    return changed
