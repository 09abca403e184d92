"""The file of a threshold table: read as it was written, and refused if it is anything else."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.core.errors import BundleError
from ml.core.policies.threshold_table import ALL, STEPS, Group, ThresholdTable, steps_of


def table(**changes: object) -> ThresholdTable:
    counts = np.arange(2 * 2 * 3 * 5, dtype=np.uint16).reshape(2, 2, 3, 5)
    values = {"groups": (ALL, Group("gender", "Female")), "counts": counts, "reference": counts[0]}
    return ThresholdTable(**{**values, "encounters_per_week": 190.4, **changes})


def test_a_table_is_read_as_it_was_written() -> None:
    written = table()
    read = ThresholdTable.from_bytes(written.to_bytes())

    assert (read.groups, read.encounters_per_week) == (written.groups, 190.4)
    assert np.array_equal(read.counts, written.counts)
    assert np.array_equal(read.reference, written.reference)


@pytest.mark.parametrize(
    "changes",
    [
        {"groups": (ALL,)},
        {"groups": (Group("gender", "Female"), ALL)},
        {"counts": np.zeros((2, 2, 3, 5), dtype=np.int16)},
        {"counts": np.zeros((2, 2, 1, 5), dtype=np.uint16)},
        {"counts": np.zeros((2, 2, 3, STEPS + 1), dtype=np.uint16)},
        {"reference": np.zeros((2, 4, 5), dtype=np.uint16)},
        {"encounters_per_week": -1.0},
    ],
)
def test_a_table_that_does_not_fit_together_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BundleError, match=r"thresholds\.npz cannot be read"):
        ThresholdTable.from_bytes(table(**changes).to_bytes())


def test_a_table_with_objects_is_refused() -> None:
    sink = io.BytesIO()
    np.savez(sink, about=np.array([{}], dtype=object), counts=np.zeros(1), reference=np.zeros(1))
    with pytest.raises(BundleError):
        ThresholdTable.from_bytes(sink.getvalue())


@given(st.binary(max_size=200))
def test_other_content_is_refused(content: bytes) -> None:
    with pytest.raises(BundleError):
        ThresholdTable.from_bytes(content)


@given(st.floats(0, 1, width=32))
def test_a_step_is_the_highest_threshold_that_flags_a_risk(risk: float) -> None:
    (step,) = steps_of(np.array([risk]))
    thresholds = (np.arange(STEPS) / STEPS).astype(np.float32)

    assert np.float32(risk) >= thresholds[step]
    assert step == STEPS - 1 or np.float32(risk) < thresholds[step + 1]
