"""Number formats for people: intervals, percentages, a typographic minus sign, a dash for unknown."""

import math

from ml.evaluation.bootstrap import Interval

DASH = "–"


def number(value: float, digits: int = 3) -> str:
    """Such as 0.669."""
    if math.isnan(value):
        return DASH
    rounded = round(value, digits) + 0.0  # adding zero turns -0.0 into 0.0
    return f"{rounded:.{digits}f}".replace("-", "−")


def percent(value: float, digits: int = 1) -> str:
    """Such as 11.6 %."""
    return DASH if math.isnan(value) else f"{number(100 * value, digits)} %"


def with_interval(interval: Interval, digits: int = 3) -> str:
    """Such as 0.669 (0.657 to 0.681)."""
    low, high = number(interval["low"], digits), number(interval["high"], digits)
    return f"{number(interval['value'], digits)} ({low} to {high})"


def percent_with_interval(interval: Interval, digits: int = 1) -> str:
    """Such as 23.1 % (21.6 to 24.7)."""
    low, high = number(100 * interval["low"], digits), number(100 * interval["high"], digits)
    return f"{percent(interval['value'], digits)} ({low} to {high})"
