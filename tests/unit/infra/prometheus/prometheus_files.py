"""Reads the Prometheus files for tests and extracts the metric names of an expression."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[4]
FOLDER = ROOT / "infra" / "prometheus"
SCENARIOS = ROOT / "tests" / "integration" / "infra" / "prometheus" / "promtool"

_STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_NOT_METRICS = (
    re.compile(r"\{[^{}]*\}"),  # label matchers
    re.compile(r"\[[^\]]*\]"),  # ranges
    re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)"),  # label lists
    re.compile(r"\b[a-z_]+\s*(?=\()"),  # functions
    re.compile(r"\b(?:and|or|unless|bool|offset)\b"),
    re.compile(r"\b\d[\w.]*\b"),  # numbers and durations
)
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def metric_names(expression: str) -> set[str]:
    """The metric names of a PromQL expression."""
    rest = _STRING.sub("", expression)
    for pattern in _NOT_METRICS:
        rest = pattern.sub(" ", rest)
    return set(_NAME.findall(rest))


@cache
def rules() -> list[dict[str, Any]]:
    """All rules, alerting and recording."""
    return [
        rule
        for file in sorted((FOLDER / "rules").glob("*.yml"))
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
    ]


def alerts() -> list[dict[str, Any]]:
    """The alerting rules."""
    return [rule for rule in rules() if "alert" in rule]


def recorded() -> set[str]:
    """Names of the recorded series."""
    return {rule["record"] for rule in rules() if "record" in rule}


@cache
def scenarios() -> dict[str, dict[str, Any]]:
    """The promtool tests by the stem of their file."""
    return {file.stem: yaml.safe_load(file.read_text()) for file in sorted(SCENARIOS.glob("*.yml"))}
