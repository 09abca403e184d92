"""The values of a field that a curve is drawn over: those of the data, at most as many as one request may hold."""

from typing import Final

from ml.schema import BY_NAME, UNKNOWN, Kind
from ml.schema.marginals import MARGINALS

MOST: Final = 20
"""Records of one request of POST /explain."""

Value = str | int


def values_of(name: str, current: Value | None) -> list[Value]:
    """Values in their order, with the current one: counts evenly over their range, else the most frequent."""
    column = BY_NAME[name]
    counts = {value: count for value, count in MARGINALS[name].items() if value != UNKNOWN}
    if column.kind is Kind.COUNT:
        numbers = sorted(int(value) for value in counts)
        chosen: set[Value] = set(_evenly(numbers, MOST - 1))
    else:
        chosen = set(sorted(counts, key=counts.__getitem__, reverse=True)[: MOST - 1])
    if current is not None:
        chosen.add(current)
    if column.kind is Kind.ICD9:
        return sorted(chosen, key=lambda code: str(code).zfill(6))
    order = {value: place for place, value in enumerate(column.allowed)}
    return sorted(chosen, key=lambda value: order.get(value, value))


def _evenly(numbers: list[int], most: int) -> list[int]:
    """The first, the last, and as many between as there may be, at even distances."""
    if len(numbers) <= most:
        return numbers
    return [numbers[round(place * (len(numbers) - 1) / (most - 1))] for place in range(most)]
