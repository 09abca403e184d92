"""Limits of alerts, parsed from the rules of Prometheus: a dashboard draws a limit without repeating it."""

import re
from functools import cache
from math import prod
from pathlib import Path
from typing import Final

import yaml

PROMETHEUS: Final = Path(__file__).parents[1] / "prometheus"
_COMPARISON: Final = re.compile(r"[<>]=? *(\d[\d.]*(?: *\* *\d[\d.]*)*)")


@cache
def alert_expressions() -> dict[str, str]:
    """Expression of each alert by its name."""
    files = (yaml.safe_load(file.read_text()) for file in sorted((PROMETHEUS / "rules").glob("*.yml")))
    rules = (rule for file in files for group in file["groups"] for rule in group["rules"])
    return {rule["alert"]: rule["expr"] for rule in rules if "alert" in rule}


def limit_factors(alert: str) -> list[float]:
    """Factors of the first number other than 0 in a comparison of the alert: 26 and 3600 in ``age > 26 * 3600``.

    Raises:
        KeyError: when there is no such alert.
        ValueError: when its expression has no such comparison.
    """
    for product in _COMPARISON.findall(alert_expressions()[alert]):
        factors = [float(factor) for factor in product.split("*")]
        if all(factors):
            return factors
    raise ValueError(f"the expression of {alert} compares with no number but 0")


def limit(alert: str) -> float:
    """The product of :func:`limit_factors`, as an integer where it is one."""
    value = float(prod(limit_factors(alert)))
    return int(value) if value.is_integer() else value


def scrape_timeout_seconds() -> int:
    """The scrape timeout in ``prometheus.yml``."""
    return int(yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["global"]["scrape_timeout"].rstrip("s"))
