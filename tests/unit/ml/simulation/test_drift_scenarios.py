"""Drift scenarios: each changes its own columns only."""

import pandas as pd
import pytest

from ml.schema import BY_NAME, COLUMN_NAMES
from ml.simulation.drift_scenarios import SHIFTS, lab_not_measured, one_age_band_older, without_payer

CHANGED = {
    "none": set(),
    "age": {"age"},
    "payer": set(),
    "lab": {"A1Cresult"},
    "icd": {"diag_1", "diag_2", "diag_3"},
}


@pytest.mark.parametrize("name", SHIFTS)
def test_a_scenario_changes_its_own_columns_only(name: str, test_table: pd.DataFrame) -> None:
    before = test_table.copy()
    after = SHIFTS[name](test_table)
    rows = test_table[test_table["encounter_id"].isin(after["encounter_id"])].reset_index(drop=True)

    assert {column for column in rows if not after[column].equals(rows[column])} == CHANGED[name]
    pd.testing.assert_series_equal(after.dtypes.astype(str), before.dtypes.astype(str))
    pd.testing.assert_frame_equal(test_table, before)


@pytest.mark.parametrize("name", SHIFTS)
def test_changed_values_are_allowed_by_the_schema(name: str, test_table: pd.DataFrame) -> None:
    after = SHIFTS[name](test_table)

    for column in (BY_NAME[name] for name in COLUMN_NAMES if not BY_NAME[name].is_number):
        assert all(map(column.accepts, after[column.name].dropna().unique())), column.name


def test_patients_are_one_age_band_older_except_the_oldest() -> None:
    table = pd.DataFrame({"age": pd.Series(["[0-10)", "[80-90)", "[90-100)", None], dtype="str")})

    assert one_age_band_older(table)["age"].astype(object).fillna("?").tolist() == [
        "[10-20)",
        "[90-100)",
        "[90-100)",
        "?",
    ]


def test_patients_of_the_payer_are_removed_and_those_of_unknown_payers_kept(test_table: pd.DataFrame) -> None:
    after = without_payer(test_table, "HM")
    before = test_table["payer_code"]

    assert (before == "HM").any()
    assert len(after) == len(test_table) - (before == "HM").sum()
    assert after["payer_code"].isna().sum() == before.isna().sum() > 0


def test_a_known_lab_value_becomes_not_measured() -> None:
    table = pd.DataFrame({"max_glu_serum": pd.Series([">200", "None", None], dtype="str")})

    assert lab_not_measured(table, "max_glu_serum")["max_glu_serum"].fillna("?").tolist() == ["None", "None", "?"]


def test_diagnoses_lose_their_decimals(test_table: pd.DataFrame) -> None:
    codes = SHIFTS["icd"](test_table)["diag_2"]

    assert test_table["diag_2"].str.contains(".", regex=False).any()
    assert not codes.str.contains(".", regex=False).any()
    assert codes.isna().equals(test_table["diag_2"].isna())
