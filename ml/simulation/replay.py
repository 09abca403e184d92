"""Test encounters to replay: sampled, changed by a drift scenario, with some fields omitted."""

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

ALWAYS_KNOWN: Final = ("race", "gender", "age")

_GROUPS: Final = tuple(dict.fromkeys(column.group for column in FEATURES))


@dataclass(frozen=True, slots=True)
class ReplayedEncounter:
    """A record with identifiers, and the outcome of the encounter."""

    record: Record
    positive: bool


def sample_encounters(test: pd.DataFrame, count: int, drift: str, known: str, seed: int) -> list[ReplayedEncounter]:
    """Sample different test encounters, in the order of their ids.

    ``drift`` is a key of :data:`ml.simulation.drift_scenarios.SHIFTS`, ``known`` one of :data:`KNOWN`.

    Raises:
        SimulationError: there are too few encounters.
    """
    changed = SHIFTS[drift](test)
    if count > len(changed):
        raise SimulationError(
            f"There are only {len(changed):,} test encounters to replay: request fewer than {count:,} records."
        )
    chosen = changed.sample(count, random_state=seed).sort_values(ENCOUNTER_ID)
    generator = np.random.default_rng(seed)
    # The history is left out, because the service looks it up.
    features = ({n: value for n, value in record.items() if n in FEATURE_NAMES} for record in to_records(chosen))
    records = [KNOWN[known](record, generator) for record in features]
    rows = zip(records, chosen[ENCOUNTER_ID], chosen[PATIENT_ID], target(chosen), strict=True)
    return [
        ReplayedEncounter({**record, ENCOUNTER_ID: int(encounter), PATIENT_ID: int(patient)}, bool(positive))
        for record, encounter, patient, positive in rows
    ]


def _full(record: Record, _generator: np.random.Generator) -> Record:
    return record


def _form(record: Record, generator: np.random.Generator) -> Record:
    groups = {group for group in _GROUPS if generator.random() < 0.5}
    return {n: value for n, value in record.items() if n in ALWAYS_KNOWN or BY_NAME[n].group in groups}


def _mixed(record: Record, generator: np.random.Generator) -> Record:
    return record if generator.random() < 0.5 else _form(record, generator)


KNOWN: Final[Mapping[str, Callable[[Record, np.random.Generator], Record]]] = {
    "full": _full,  # all fields, as from a hospital information system
    "form": _form,  # the first fields of the form and half of its groups, as entered by a person
    "mixed": _mixed,  # half of the records each
}
