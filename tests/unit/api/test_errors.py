"""Errors that the worker process for large batches sends to the service."""

import pickle

import pytest

from api.contract.field_errors import FieldError, invalid_records
from api.errors import ApiError, BodyTooSlowError, OverloadedError, TooManyRequestsError


@pytest.mark.parametrize(
    "error",
    [
        invalid_records([FieldError(1, None, None, "wrong")], 7),
        OverloadedError("busy"),
        BodyTooSlowError("slow"),
        TooManyRequestsError("often", headers={"Retry-After": "3"}),
    ],
)
def test_an_error_survives_pickling(error: ApiError) -> None:
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 -- our own

    assert type(copy) is type(error)
    assert (copy.detail, copy.headers, copy.members) == (error.detail, error.headers, error.members)
    assert (copy.status, copy.slug, str(copy)) == (error.status, error.slug, str(error))
