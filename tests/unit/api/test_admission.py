"""The limits of admission control."""

import pytest

from api.admission import Admission
from api.errors import OverloadedError


@pytest.fixture
def admission() -> Admission:
    return Admission(max_requests=2, max_bytes=100, max_large_batches=1)


def test_requests_above_the_limit_are_shed_until_one_finishes(admission: Admission) -> None:
    admission.admit(0)
    admission.admit(0)

    with pytest.raises(OverloadedError):
        admission.admit(0)
    admission.release(0)
    admission.admit(0)

    assert admission.shed["requests"] == 1


def test_a_body_that_does_not_fit_is_shed_before_it_is_sent(admission: Admission) -> None:
    admission.admit(60)
    admission.receive(60)

    with pytest.raises(OverloadedError):
        admission.admit(60)

    assert (admission.requests, admission.shed["bytes"]) == (1, 1)


def test_a_body_without_declared_length_is_shed_when_it_exceeds_the_limit(admission: Admission) -> None:
    admission.admit(0)
    admission.receive(60)
    admission.admit(0)

    with pytest.raises(OverloadedError):
        admission.receive(60)
    admission.release(60)
    admission.release(60)

    assert (admission.requests, admission.body_bytes) == (0, 0)


def test_slots_for_large_batches_are_released_in_any_case(admission: Admission) -> None:
    with admission.large_batch(), pytest.raises(OverloadedError), admission.large_batch():
        pass
    with pytest.raises(ValueError, match="something"), admission.large_batch():
        raise ValueError("something")
    with admission.large_batch():
        assert admission.large_batches == 1

    assert (admission.large_batches, admission.shed["large_batches"]) == (0, 1)
