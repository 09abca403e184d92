"""Formats durations, rates and moments of the Monitoring page."""

from datetime import UTC, datetime

from ui.i18n.language import _, decimal, format_utc


def duration(seconds: float) -> str:
    """A short time, in milliseconds below a second."""
    if seconds < 1:
        return _("{number} ms").format(number=decimal(1000 * seconds, 0 if seconds >= 0.01 else 1))
    return _("{number} s").format(number=decimal(seconds, 2))


def rate(per_second: float) -> str:
    """Events per second: 0.25, 12.4 or 340."""
    return decimal(per_second, 2 if per_second < 1 else 1 if per_second < 100 else 0)


def value(number: float | None) -> str:
    """A value with three digits; a dash for None."""
    return "–" if number is None else decimal(number, 3)


def at(seconds: float) -> str:
    """A moment given in seconds since 1970."""
    return format_utc(datetime.fromtimestamp(seconds, UTC))
