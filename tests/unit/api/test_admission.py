"""What is let in, and what is refused because there is too much to do."""

import pytest

from api.admission import BYTES, LARGE_BATCHES, REQUESTS, Admission
from api.errors import OverloadedError


def test_requests_are_refused_beyond_their_number_until_one_leaves() -> None:
    load = Admission(max_requests=2, max_bytes=100, max_large_batches=1)
    load.admit(0)
    load.admit(0)

    with pytest.raises(OverloadedError):
        load.admit(0)
    load.leave(0)
    load.admit(0)

    assert load.shed[REQUESTS] == 1


def test_a_body_that_will_not_fit_is_refused_before_it_is_sent() -> None:
    load = Admission(max_requests=9, max_bytes=100, max_large_batches=1)
    load.admit(60)
    load.receive(60)

    with pytest.raises(OverloadedError):
        load.admit(60)

    assert (load.requests, load.shed[BYTES]) == (1, 1)


def test_bodies_that_grow_beyond_the_bound_are_refused_on_the_way() -> None:
    load = Admission(max_requests=9, max_bytes=100, max_large_batches=1)
    load.admit(0)
    load.receive(60)
    load.admit(0)

    with pytest.raises(OverloadedError):
        load.receive(60)
    load.leave(60)
    load.leave(60)

    assert (load.requests, load.body_bytes) == (0, 0)


def test_places_for_large_batches_are_free_again_whatever_happens() -> None:
    load = Admission(max_requests=9, max_bytes=100, max_large_batches=1)

    with load.large_batch(), pytest.raises(OverloadedError), load.large_batch():
        pass
    with pytest.raises(ValueError, match="something"), load.large_batch():
        raise ValueError("something")
    with load.large_batch():
        assert load.large_batches == 1

    assert (load.large_batches, load.shed[LARGE_BATCHES]) == (0, 1)
