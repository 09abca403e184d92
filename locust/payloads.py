"""Random records for requests, drawn from the marginal frequencies of the genuine data.

An unknown value is an absent field. Records are plausible: no discharge by death or to hospice, drug doses match the
two summary columns, diagnoses are distinct, and values that contradict age or gender are removed.
Uses only the standard library and ``ml.schema``.
"""

import random
from collections.abc import Callable
from itertools import accumulate
from typing import Final

from ml.schema import CANNOT_BE_READMITTED, FEATURES, UNKNOWN, Group
from ml.schema.marginals import MARGINALS

Value = str | int
Fields = dict[str, Value]
"""A record that is being built."""

THREE_FIELDS: Final = ("race", "gender", "age")

_SUMMARIES: Final = ("change", "diabetesMed")
_DIAGNOSES: Final = ("diag_1", "diag_2", "diag_3")
_DRUGS: Final = tuple(c.name for c in FEATURES if c.group is Group.MEDICATIONS and c.name not in _SUMMARIES)
_CHILDHOOD: Final = ("[0-10)", "[10-20)")
_NEWBORN: Final = {
    "admission_type_id": {4},
    "discharge_disposition_id": {10},
    "admission_source_id": {11, 12, 13, 14, 23, 24},
}
"""Codes for newborns."""


class Sampler:
    """Draws records; deterministic for a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - test data, not a secret

    def three_fields(self) -> Fields:
        """Race, gender and age only."""
        record: Fields = {}
        while len(record) < len(THREE_FIELDS):
            record = self._draw(THREE_FIELDS)
        return record

    def full(self) -> Fields:
        """A record with most of the 47 features."""
        record = self._draw(tuple(_MARGINALS))
        _drop_implausible(record)
        given = [record[name] for name in _DRUGS if record[name] != "No"]
        record["change"] = "Ch" if len(given) > 1 or {"Up", "Down"} & set(given) else "No"
        record["diabetesMed"] = "Yes" if given else "No"
        return record

    def partial(self) -> Fields:
        """A random subset of a full record with at least one field."""
        record = self.full()
        kept = self._random.sample(list(record), self._random.randint(1, len(record)))
        return {name: record[name] for name in record if name in kept}

    def batch(self, size: int) -> list[Fields]:
        """Records of all three kinds, most of them full."""
        kinds: list[Callable[[], Fields]] = [self.full, self.partial, self.three_fields]
        return [draw() for draw in self._random.choices(kinds, weights=(8, 1, 1), k=size)]

    def _draw(self, names: tuple[str, ...]) -> Fields:
        drawn = {}
        for name in names:
            values, cumulative_counts = _MARGINALS[name]
            (drawn[name],) = self._random.choices(values, cum_weights=cumulative_counts)
        return {name: value for name, value in drawn.items() if value != UNKNOWN}


def _drop_implausible(record: Fields) -> None:
    child = record["age"] in _CHILDHOOD
    specialty = str(record.get("medical_specialty", ""))
    women_only = specialty.startswith(("Obst", "Gynecology", "Perinatology"))
    if (specialty.startswith("Pediatric") and not child) or (women_only and (child or record["gender"] != "Female")):
        del record["medical_specialty"]
    for name, codes in _NEWBORN.items():
        if record.get(name) in codes and record["age"] != _CHILDHOOD[0]:
            del record[name]
    if child and record.get("payer_code") in ("MC", "MP"):
        del record["payer_code"]
    diagnoses: set[Value] = set()
    for name in _DIAGNOSES:
        if name in record and record[name] in diagnoses:
            del record[name]
        else:
            diagnoses.add(record.get(name, UNKNOWN))


def _cumulative(name: str) -> tuple[tuple[Value, ...], tuple[int, ...]]:
    excluded = CANNOT_BE_READMITTED if name == "discharge_disposition_id" else frozenset()
    counts = {value: count for value, count in MARGINALS[name].items() if value not in excluded}
    return tuple(counts), tuple(accumulate(counts.values()))


_MARGINALS: Final = {column.name: _cumulative(column.name) for column in FEATURES if column.name not in _SUMMARIES}
"""Values and cumulative counts of each feature."""
