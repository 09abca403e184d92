"""Encounters as a simulation sends them: drawn from those held out, changed, and with some fields not told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from ml.core.errors import SimulationError
from ml.features.records import to_records
from ml.features.tables import target
from ml.schema import BY_NAME, ENCOUNTER_ID, FEATURE_NAMES, FEATURES, PATIENT_ID, Record
from ml.simulation.drift_scenarios import SHIFTS

ASKED_FIRST: Final = ("race", "gender", "age")
"""What whoever fills in a form tells in any case."""

_GROUPS: Final = tuple(dict.fromkeys(column.group for column in FEATURES))

Teller = Callable[[Record, np.random.Generator], Record]
"""What is told of what is known."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """An encounter to be predicted, with its identifiers; and what became of the patient."""

    record: Record
    positive: bool


def replayed(test: pd.DataFrame, count: int, drift: str, known: str, seed: int) -> list[Replayed]:
    """Encounters in the order in which they happened.

    Args:
        test: held-out encounters, as :func:`ml.warehouse.datasets.read` gives them.
        count: how many, each another one.
        drift: a key of :data:`ml.simulation.drift_scenarios.SHIFTS`.
        known: a key of :data:`KNOWN`.
        seed: of the choice.

    Raises:
        SimulationError: there are not so many.
    """
    changed = SHIFTS[drift](test)
    if count > len(changed):
        raise SimulationError(
            f"There are only {len(changed):,} held-out encounters to replay: ask for fewer than {count:,} records."
        )
    chosen = changed.sample(count, random_state=seed).sort_values(ENCOUNTER_ID)
    generator = np.random.default_rng(seed)
    told = [KNOWN[known](_features(record), generator) for record in to_records(chosen)]
    identified = zip(told, chosen[ENCOUNTER_ID], chosen[PATIENT_ID], target(chosen), strict=True)
    return [
        Replayed({**record, ENCOUNTER_ID: int(encounter), PATIENT_ID: int(patient)}, bool(positive))
        for record, encounter, patient, positive in identified
    ]


def _features(record: Record) -> Record:
    """Without the history, which the service looks up by itself."""
    return {name: value for name, value in record.items() if name in FEATURE_NAMES}


def _full(record: Record, _generator: np.random.Generator) -> Record:
    return record


def _form(record: Record, generator: np.random.Generator) -> Record:
    filled_in = {group for group in _GROUPS if generator.random() < 0.5}
    return {n: value for n, value in record.items() if n in ASKED_FIRST or BY_NAME[n].group in filled_in}


def _mixed(record: Record, generator: np.random.Generator) -> Record:
    return record if generator.random() < 0.5 else _form(record, generator)


KNOWN: Final[Mapping[str, Teller]] = {
    "full": _full,  # all that the hospital knows, as from its information system
    "form": _form,  # what a person fills in: the first fields, and half of the groups of the form
    "mixed": _mixed,  # one half of each
}
"""Name to what is told of a record."""
