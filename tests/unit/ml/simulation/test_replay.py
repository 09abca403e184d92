"""Replayed encounters: sampling, scenarios and known fields."""

import numpy as np
import pandas as pd
import pytest

from ml.core.errors import SimulationError
from ml.schema import BY_NAME, ENCOUNTER_ID, FEATURE_NAMES, PATIENT_ID
from ml.simulation.replay import ALWAYS_KNOWN, KNOWN, sample_encounters


def test_records_are_test_encounters_in_order_with_identifiers(test_table: pd.DataFrame) -> None:
    found = sample_encounters(test_table, 300, "none", "full", seed=3)
    by_number = test_table.set_index(ENCOUNTER_ID)
    numbers = [int(one.record[ENCOUNTER_ID] or 0) for one in found]

    assert len(found) == len(set(numbers)) == 300
    assert numbers == sorted(numbers)
    for one, number in zip(found, numbers, strict=True):
        row = by_number.loc[number]
        assert one.record[PATIENT_ID] == row[PATIENT_ID]
        assert one.positive == (row["readmitted"] == "<30")
        assert set(one.record) == {n for n in FEATURE_NAMES if pd.notna(row[n])} | {ENCOUNTER_ID, PATIENT_ID}
        assert all(BY_NAME[name].accepts(value) for name, value in one.record.items())


def test_the_same_seed_gives_the_same_records(test_table: pd.DataFrame) -> None:
    assert sample_encounters(test_table, 50, "lab", "mixed", 3) == sample_encounters(test_table, 50, "lab", "mixed", 3)
    assert sample_encounters(test_table, 50, "lab", "mixed", 3) != sample_encounters(test_table, 50, "lab", "mixed", 4)


def test_a_form_has_whole_groups_and_the_first_fields(test_table: pd.DataFrame) -> None:
    full = sample_encounters(test_table, 400, "none", "full", seed=3)
    form = sample_encounters(test_table, 400, "none", "form", seed=3)
    mixed = sample_encounters(test_table, 400, "none", "mixed", seed=3)

    for whole, part in zip(full, form, strict=True):
        assert part.record.items() <= whole.record.items()
        hidden = whole.record.keys() - part.record.keys()
        groups = {BY_NAME[name].group for name in hidden}
        assert hidden.isdisjoint(ALWAYS_KNOWN)
        assert hidden == {n for n in whole.record if BY_NAME[n].group in groups and n not in ALWAYS_KNOWN}
    counts = [np.mean([len(one.record) for one in part]) for part in (form, mixed, full)]
    assert counts == sorted(counts)
    assert np.mean([a == b for a, b in zip(mixed, full, strict=True)]) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("known", KNOWN)
def test_a_scenario_changes_the_records(known: str, test_table: pd.DataFrame) -> None:
    sent = sample_encounters(test_table, 300, "lab", known, seed=3)

    assert {one.record["A1Cresult"] for one in sent if "A1Cresult" in one.record} == {"None"}


def test_too_many_records_raise_an_error_with_the_number_available(test_table: pd.DataFrame) -> None:
    with pytest.raises(SimulationError, match=rf"^There are only {len(test_table):,} test encounters"):
        sample_encounters(test_table, len(test_table) + 1, "none", "full", seed=3)
