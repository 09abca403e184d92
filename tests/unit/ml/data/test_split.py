"""The bucket of a patient: fixed, and about a fifth of the patients in the test data."""

from hypothesis import given
from hypothesis import strategies as st

from ml.data.split import TEST_PERCENT, bucket

PATIENTS = st.integers(1, 2**63 - 1)


@given(PATIENTS)
def test_a_bucket_is_between_0_and_99(patient: int) -> None:
    assert 0 <= bucket(patient) <= 99


@given(st.sets(PATIENTS), st.sets(PATIENTS))
def test_test_patients_do_not_change_as_data_are_added(before: set[int], added: set[int]) -> None:
    def testing(patients: set[int]) -> set[int]:
        return {patient for patient in patients if bucket(patient) < TEST_PERCENT}

    assert testing(before | added) & before == testing(before)


def test_known_buckets_do_not_change() -> None:
    assert [bucket(patient) for patient in (1, 2, 135, 8_222_157, 189_502_619)] == [34, 66, 68, 75, 84]


def test_about_a_fifth_of_the_patients_are_test_patients() -> None:
    share = sum(bucket(patient) < TEST_PERCENT for patient in range(1, 20_001)) / 20_000

    assert abs(share - 0.2) < 0.01
