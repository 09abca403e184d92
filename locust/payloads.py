"""Records to ask predictions for: as hospitals would send them, drawn from the frequencies of the genuine data.

An unknown value is an absent field. A stay cannot have ended in death or hospice, doses agree with the two summary
columns, no diagnosis stands twice, and a value that does not fit the patient's age or gender is left out.
Standard library and ``ml.schema`` only, so that payloads can be checked without locust.
"""

import random
from bisect import bisect
from collections.abc import Callable
from itertools import accumulate
from typing import Final

from ml.schema import CANNOT_BE_READMITTED, FEATURES, UNKNOWN, Group
from ml.schema.marginals import MARGINALS

Value = str | int
Record = dict[str, Value]

THREE_FIELDS: Final = ("race", "gender", "age")
"""What the smallest useful request holds, and what the form asks first."""

_DISPOSITION: Final = "discharge_disposition_id"
_SUMMARIES: Final = ("change", "diabetesMed")
_DIAGNOSES: Final = ("diag_1", "diag_2", "diag_3")
_DRUGS: Final = tuple(c.name for c in FEATURES if c.group is Group.MEDICATIONS and c.name not in _SUMMARIES)
_CHILDHOOD: Final = ("[0-10)", "[10-20)")
_NEWBORN: Final = {
    "admission_type_id": {4},
    "discharge_disposition_id": {10},
    "admission_source_id": {11, 12, 13, 14, 23, 24},
}
"""Codes that only a newborn can have."""


class Sampler:
    """Draws records; the same seed gives the same records in the same order."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - test data, not a secret

    def three_fields(self) -> Record:
        """Race, gender and age only."""
        record: Record = {}
        while len(record) < len(THREE_FIELDS):
            record = self._known(THREE_FIELDS)
        return record

    def full(self) -> Record:
        """All that a hospital knows of a stay: most of the 47 features."""
        record = self._known(tuple(_TABLES))
        _drop_misfits(record)
        given = [record[name] for name in _DRUGS if record[name] != "No"]
        record["change"] = "Ch" if len(given) > 1 or {"Up", "Down"} & set(given) else "No"
        record["diabetesMed"] = "Yes" if given else "No"
        return record

    def partial(self) -> Record:
        """A full record of which a part, large or small, was not filled in; at least one field is left."""
        record = self.full()
        kept = self._random.sample(list(record), self._random.randint(1, len(record)))
        return {name: record[name] for name in record if name in kept}

    def batch(self, size: int) -> list[Record]:
        """Records of all three kinds, most of them full, as an export of a ward would be."""
        kinds: list[Callable[[], Record]] = [self.full, self.partial, self.three_fields]
        return [draw() for draw in self._random.choices(kinds, weights=(8, 1, 1), k=size)]

    def _known(self, names: tuple[str, ...]) -> Record:
        drawn = {name: _TABLES[name].at(self._random.random()) for name in names}
        return {name: value for name, value in drawn.items() if value != UNKNOWN}


class _Table:
    """The marginal distribution of one feature, ready to draw from."""

    def __init__(self, counts: dict[Value, int]) -> None:
        self._values = tuple(counts)
        self._bounds = tuple(accumulate(counts.values()))

    def at(self, quantile: float) -> Value:
        """The value at a quantile, 0 <= quantile < 1."""
        return self._values[bisect(self._bounds, quantile * self._bounds[-1])]


def _drop_misfits(record: Record) -> None:
    """Leave out what cannot be so for this patient."""
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
    seen: set[Value] = set()
    for name in _DIAGNOSES:
        if name in record and record[name] in seen:
            del record[name]
        else:
            seen.add(record.get(name, UNKNOWN))


def _table(name: str) -> _Table:
    gone = CANNOT_BE_READMITTED if name == _DISPOSITION else frozenset()
    return _Table({value: count for value, count in MARGINALS[name].items() if value not in gone})


_TABLES: Final = {column.name: _table(column.name) for column in FEATURES if column.name not in _SUMMARIES}
