"""Errors that are told by another process."""

import pickle

import pytest

from api.errors import ApiError, BodyTooSlowError, InvalidRecordsError, OverloadedError


@pytest.mark.parametrize(
    "error", [InvalidRecordsError("wrong", [{"record": 1}], 7), OverloadedError("busy"), BodyTooSlowError("slow")]
)
def test_an_error_says_the_same_in_another_process(error: ApiError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 -- our own

    assert type(again) is type(error)
    assert (again.detail, again.headers, again.members) == (error.detail, error.headers, error.members)
    assert (again.status, again.slug, str(again)) == (error.status, error.slug, str(error))
