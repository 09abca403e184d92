"""Shortens the durations in rules and routes by one factor, so that tests of real alerts take seconds.

Waiting times, ranges and offsets keep their proportions. Limits in expressions (26 hours, 0.5 s) do not change.
"""

import re
from typing import Any, Final

import yaml

SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = re.compile(r"(\d+)([smhd])")
_IN_EXPRESSION: Final = re.compile(r"(?<=\[)\d+[smhd](?=\])|(?<=offset )\d+[smhd]\b")
_WAITS: Final = ("for", "keep_firing_for", "group_wait", "group_interval", "repeat_interval")


def shortened(text: str, times: int, *, least: int = 1, range_least: int = 1) -> str:
    """The same YAML with every waiting time, range and offset divided.

    Args:
        text: a file of rules, or the configuration of Alertmanager.
        times: the divisor.
        least: minimum of a waiting time, in seconds.
        range_least: minimum of a range or offset in an expression, in seconds: it has to contain some scrapes.
    """
    return yaml.safe_dump(_shortened(yaml.safe_load(text), times, least, range_least), sort_keys=False, width=1000)


def divided(duration: str, times: int, least: int) -> str:
    """``5m`` divided by 10 is ``30s``; at least `least` seconds.

    Raises:
        ValueError: when the duration is not one number and one unit.
    """
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise ValueError(f"{duration!r} is not a duration of one number and one unit")
    return f"{max(int(match[1]) * SECONDS[match[2]] // times, least)}s"


def _shortened(node: Any, times: int, least: int, range_least: int) -> Any:
    if isinstance(node, list):
        return [_shortened(item, times, least, range_least) for item in node]
    if not isinstance(node, dict):
        return node
    changed = {}
    for key, value in node.items():
        if key in _WAITS:
            changed[key] = divided(value, times, least)
        elif key == "expr":
            changed[key] = _IN_EXPRESSION.sub(lambda match: divided(match[0], times, range_least), value)
        else:
            changed[key] = _shortened(value, times, least, range_least)
    return changed
