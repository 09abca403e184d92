"""Model inputs of a batch: the same by column as record by record."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from api.contract.parsing import validate_batch
from api.contract.record_columns import RecordColumns
from api.scoring.batch_inputs import batch_inputs
from api.scoring.core import combine, combine_batch, with_reliability
from api.scoring.model_inputs import inputs_of
from ml.core.bundle import encode
from ml.schema import FEATURE_NAMES
from ml.schema.code_systems import CodeSystem
from tests.unit.api.contract.test_record_columns import CANONICAL, records_of
from tests.unit.api.scoring.test_model_inputs import STAYS
from tests.unit.ml.core.test_reliability import measured

ENCOUNTERS = {1: tuple({**stay, "gender": "Female", "age": "[70-80)"} for stay in STAYS), 2: ()}
FIELDS: dict[str, Any] = {
    name: st.one_of(st.none(), CANONICAL[name], st.sampled_from(["650", "769", "185"]))
    if name.startswith("diag_")
    else st.one_of(st.none(), CANONICAL[name])
    for name in FEATURE_NAMES
} | {"patient_nbr": st.sampled_from([None, 1, 2, 3, "MRN-7"]), "encounter_id": st.sampled_from([None, 15, 99, "E-7"])}
RISKS = np.linspace(0.02, 0.6, 5, dtype=np.float32)


@given(records_of(FIELDS), st.booleans())
def test_a_batch_has_the_inputs_and_the_answers_of_its_records(records: list[dict[str, Any]], interval: bool) -> None:
    columns, risks, curve = RecordColumns(records), RISKS[: len(records)], measured()
    batch, single = batch_inputs(columns, ENCOUNTERS), inputs_of(records, ENCOUNTERS)

    encoded, expected = batch.encode(0, len(records)), encode(single.records)
    assert np.array_equal(encoded["texts"], expected["texts"])
    assert np.array_equal(encoded["numbers"], expected["numbers"], equal_nan=True)
    answers = combine_batch(records, batch, risks, curve, interval)
    others = combine(records, single, with_reliability(risks, single.records, curve), curve, interval)
    for name in ("records", "known_fields", "reliability", "history", "outside_population", "warnings"):
        assert getattr(answers, name) == getattr(others, name)
    if interval:
        assert answers.intervals is not None
        assert others.intervals is not None
        assert np.array_equal(answers.intervals, others.intervals)


@given(records_of(FIELDS), st.integers(0, 4), st.integers(1, 5))
def test_a_part_of_a_batch_is_encoded_as_these_records(records: list[dict[str, Any]], start: int, size: int) -> None:
    batch = batch_inputs(RecordColumns(records), {})
    part = batch.encode(start, start + size)

    whole = batch.encode(0, len(records))
    for name, array in part.items():
        assert array.tobytes() == whole[name][start : start + size].tobytes() or array.dtype == object
    assert np.array_equal(part["texts"], whole["texts"][start : start + size])


def test_converted_codes_keep_their_warnings() -> None:
    columns = validate_batch(
        [{"race": "Asian"}, {"diag_1": "E11.9", "gender": "Male", "diag_2": "O80"}], CodeSystem.ICD10
    )

    found = batch_inputs(columns, {})
    assert found.warnings == inputs_of(columns.records, {}).warnings
    assert found.warnings
