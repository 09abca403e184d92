"""The bucket of a patient: the same for ever, and the same for all of a patient's encounters."""

from hypothesis import given
from hypothesis import strategies as st

from ml.data.split import TEST_PERCENT, bucket

PATIENTS = st.integers(1, 2**63 - 1)


@given(PATIENTS)
def test_a_bucket_is_between_0_and_99(patient: int) -> None:
    assert 0 <= bucket(patient) <= 99


@given(st.sets(PATIENTS), st.sets(PATIENTS))
def test_who_tests_does_not_change_as_the_data_grow(before: set[int], added: set[int]) -> None:
    def testing(patients: set[int]) -> set[int]:
        return {patient for patient in patients if bucket(patient) < TEST_PERCENT}

    assert testing(before | added) & before == testing(before)


def test_known_buckets_stay_as_they_are() -> None:
    assert [bucket(patient) for patient in (1, 2, 135, 8_222_157, 189_502_619)] == [34, 66, 68, 75, 84]


def test_about_a_fifth_of_the_patients_test() -> None:
    share = sum(bucket(patient) < TEST_PERCENT for patient in range(1, 20_001)) / 20_000

    assert abs(share - 0.2) < 0.01
