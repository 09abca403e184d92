"""Number formats for people: intervals, percentages, a typographic minus sign, a dash for unknown."""

import math
import re
from typing import Final

from ml.evaluation.bootstrap import Interval
from ml.report.language import _, current_language
from ml.schema.translations import Language

DASH: Final = "–"
_INTERVAL: Final = re.compile(r"(?P<value>\S+) \((?P<low>\S+) to (?P<high>\S+)\)")
_SWAPPED: Final = str.maketrans(".,", ",.")


def number(value: float, digits: int = 3) -> str:
    """Such as 0.669."""
    if math.isnan(value):
        return DASH
    rounded = round(value, digits) + 0.0  # adding zero turns -0.0 into 0.0
    return notation(f"{rounded:.{digits}f}".replace("-", "−"))


def count(value: int) -> str:
    """Such as 20,353."""
    return notation(f"{value:,}")


def notation(english: str) -> str:
    """A text of figures only, such as 4 (3 to 6), in the notation of the language."""
    if current_language() is Language.ENGLISH:
        return english
    swapped = re.sub(r"[\d.,]*\d", lambda match: match.group().translate(_SWAPPED), english)
    if parts := _INTERVAL.fullmatch(swapped):
        return _("{value} ({low} to {high})", **parts.groupdict())
    return swapped


def percent(value: float, digits: int = 1) -> str:
    """Such as 11.6 %."""
    return DASH if math.isnan(value) else f"{number(100 * value, digits)} %"


def with_interval(interval: Interval, digits: int = 3) -> str:
    """Such as 0.669 (0.657 to 0.681)."""
    low, high = number(interval["low"], digits), number(interval["high"], digits)
    return _("{value} ({low} to {high})", value=number(interval["value"], digits), low=low, high=high)


def percent_with_interval(interval: Interval, digits: int = 1) -> str:
    """Such as 23.1 % (21.6 to 24.7)."""
    low, high = number(100 * interval["low"], digits), number(100 * interval["high"], digits)
    return _("{value} ({low} to {high})", value=percent(interval["value"], digits), low=low, high=high)
