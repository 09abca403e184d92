"""How figures are written for people: with intervals, as percentages, with a true minus sign."""

import math

from ml.evaluation.bootstrap import Interval

DASH = "–"


def number(value: float, digits: int = 3) -> str:
    """A figure: 0.669; what is not known is a dash."""
    if math.isnan(value):
        return DASH
    rounded = round(value, digits) + 0.0  # plus nothing: no minus before a zero
    return f"{rounded:.{digits}f}".replace("-", "−")


def percent(value: float, digits: int = 1) -> str:
    """A share or a risk: 11.6 %."""
    return DASH if math.isnan(value) else f"{number(100 * value, digits)} %"


def with_interval(interval: Interval, digits: int = 3) -> str:
    """A figure with its interval: 0.669 (0.657 to 0.681)."""
    low, high = number(interval["low"], digits), number(interval["high"], digits)
    return f"{number(interval['value'], digits)} ({low} to {high})"


def percent_with_interval(interval: Interval, digits: int = 1) -> str:
    """A share with its interval: 23.1 % (21.6 to 24.7)."""
    low, high = number(100 * interval["low"], digits), number(100 * interval["high"], digits)
    return f"{percent(interval['value'], digits)} ({low} to {high})"
