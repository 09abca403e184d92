"""The synthetic cohort: form of the delivered file, reproducibility, streaming, and AUROC of a model."""

import re
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import OrdinalEncoder

from ml.data.sources.synthetic import generate, write_csv
from ml.schema import (
    CANNOT_BE_READMITTED,
    COLUMN_NAMES,
    COLUMNS,
    FEATURES,
    GENUINE_OUTCOMES,
    GENUINE_ROWS,
    ICD9_PATTERN,
    POSITIVE,
    UNKNOWN,
    Column,
    Group,
    Kind,
    Missing,
)
from ml.schema.marginals import MARGINALS


@pytest.fixture(scope="module")
def cohort() -> pd.DataFrame:
    return pd.concat(generate(40_000, seed=296), ignore_index=True)


def test_the_same_count_and_seed_give_the_same_rows() -> None:
    first, second = (list(generate(23_456, seed=1)) for _ in range(2))

    assert [len(block) for block in first] == [10_000, 10_000, 3_456]
    pd.testing.assert_frame_equal(pd.concat(first), pd.concat(second))


def test_another_seed_gives_other_patients() -> None:
    one, other = next(generate(500, seed=1)), next(generate(500, seed=2))

    assert not one.equals(other)


def test_a_larger_cohort_begins_with_the_rows_of_a_smaller_one() -> None:
    pd.testing.assert_frame_equal(next(generate(10_000, seed=3)), next(generate(20_000, seed=3)))


def test_blocks_are_generated_lazily() -> None:
    first, second = islice(generate(10**12, seed=4), 2)

    assert (len(first), len(second)) == (10_000, 10_000)


@pytest.mark.parametrize("count", [0, 1, 2, 10_001])
def test_the_cohort_has_exactly_the_requested_rows(count: int) -> None:
    assert sum(len(block) for block in generate(count, seed=5)) == count


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_every_value_is_allowed_by_the_schema(cohort: pd.DataFrame, column: Column) -> None:
    values = set(cohort[column.name])

    assert {value for value in values if not _allows(column, value)} == set()


def test_the_frame_equals_the_csv_as_read(cohort: pd.DataFrame, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "diabetic_data.csv"
    write_csv(file, 40_000, seed=296)
    read = pd.read_csv(file, dtype=str, keep_default_na=False)

    assert tuple(cohort.columns) == COLUMN_NAMES
    pd.testing.assert_frame_equal(read, cohort)
    assert file.read_bytes().count(b"\r\n") == 40_001
    assert list(file.parent.iterdir()) == [file], "no partial file is left"


@pytest.mark.parametrize("name", MARGINALS)
def test_every_column_has_the_genuine_frequencies(cohort: pd.DataFrame, name: str) -> None:
    found = cohort[name].value_counts(normalize=True)
    largest = max(abs(found.get(str(value), 0) - count / GENUINE_ROWS) for value, count in MARGINALS[name].items())

    assert largest < 0.02


def test_outcomes_have_the_genuine_frequencies(cohort: pd.DataFrame) -> None:
    found = cohort["readmitted"].value_counts(normalize=True)

    for outcome, count in GENUINE_OUTCOMES.items():
        assert found[outcome] == pytest.approx(count / GENUINE_ROWS, abs=0.02)


def test_encounter_ids_increase_and_patients_have_several_stays(cohort: pd.DataFrame) -> None:
    stays = cohort["encounter_id"].astype("int64")
    per_patient = cohort["patient_nbr"].value_counts()

    assert stays.is_unique
    assert stays.is_monotonic_increasing
    assert per_patient.mean() == pytest.approx(1.42, abs=0.05)
    assert (per_patient > 1).mean() == pytest.approx(0.2345, abs=0.02)
    assert per_patient.max() >= 10


@pytest.mark.parametrize("name", ["race", "gender", "age"])
def test_demographics_of_a_patient_are_constant(cohort: pd.DataFrame, name: str) -> None:
    assert cohort.groupby("patient_nbr")[name].nunique().max() == 1


def test_no_readmission_after_death_or_hospice(cohort: pd.DataFrame) -> None:
    gone = cohort["discharge_disposition_id"].isin([str(code) for code in CANNOT_BE_READMITTED])

    assert gone.sum() > 100
    assert set(cohort.loc[gone, "readmitted"]) == {"NO"}
    assert not cohort["patient_nbr"].duplicated(keep="last")[gone].any()


def test_medication_columns_are_consistent(cohort: pd.DataFrame) -> None:
    drugs = [c.name for c in FEATURES if c.group is Group.MEDICATIONS and c.name not in ("change", "diabetesMed")]
    given = (cohort[drugs] != "No").sum(axis=1)
    dose_changed = cohort[drugs].isin(["Up", "Down"]).any(axis=1)

    assert (cohort["diabetesMed"] == np.where(given > 0, "Yes", "No")).all()
    assert (cohort["change"] == np.where(dose_changed | (given > 1), "Ch", "No")).all()


def test_the_auroc_of_a_model_is_like_that_on_genuine_data() -> None:
    cohort = pd.concat(generate(20_000, seed=296), ignore_index=True)
    living = cohort[~cohort["discharge_disposition_id"].astype(int).isin(CANNOT_BE_READMITTED)]
    numbers = [column.name for column in FEATURES if column.kind is Kind.COUNT]
    texts = [column.name for column in FEATURES if column.kind is not Kind.COUNT]
    table = np.hstack(
        [living[numbers].to_numpy(dtype=float), OrdinalEncoder(min_frequency=50).fit_transform(living[texts])]
    )
    soon = (living["readmitted"] == POSITIVE).to_numpy()
    held_out = (living["patient_nbr"].astype("int64") % 4 == 0).to_numpy()

    model = HistGradientBoostingClassifier(learning_rate=0.05, max_iter=80, max_leaf_nodes=15, random_state=0)
    model.fit(table[~held_out], soon[~held_out])

    assert 0.62 < roc_auc_score(soon[held_out], model.predict_proba(table[held_out])[:, 1]) < 0.72


def _allows(column: Column, value: str) -> bool:
    if value == UNKNOWN:
        return column.missing is Missing.UNKNOWN
    match column.kind:
        case Kind.ICD9:
            return re.fullmatch(ICD9_PATTERN, value) is not None
        case Kind.COUNT | Kind.IDENTIFIER:
            return value.isdecimal() and (column.low or 0) <= int(value) <= (column.high or 0)
        case _:
            return value in map(str, column.allowed)
