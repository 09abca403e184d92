"""Errors of the service. Each becomes an error response: a problem document (RFC 9457) or the format of a protocol."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from ml.core.errors import PlatformError


class ApiError(PlatformError):
    """Base class: a request that fails.

    A subclass sets the HTTP status, the last part of the problem's ``type`` and headers of the response.
    """

    status: ClassVar[int]
    slug: ClassVar[str]
    title: ClassVar[str]
    default_headers: ClassVar[Mapping[str, str]]

    def __init_subclass__(cls, status: int, slug: str, headers: Mapping[str, str] | None = None) -> None:
        cls.status, cls.slug, cls.default_headers = status, slug, headers or {}
        cls.title = slug.replace("-", " ").capitalize()

    def __init__(
        self, detail: str, *, headers: Mapping[str, str] | None = None, members: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or self.default_headers)
        self.members = dict(members or {})

    def __reduce__(self) -> tuple[Any, ...]:
        # The worker process for large batches sends its errors to the service.
        return partial(type(self), headers=self.headers, members=self.members), (self.detail,)


class MalformedBodyError(ApiError, status=400, slug="malformed-body"):
    """The body is not JSON, or the file is not text."""


class NoKeyError(ApiError, status=401, slug="no-key", headers={"WWW-Authenticate": 'Bearer realm="readmission"'}):
    """The request has no valid API key."""


class NoOperatorKeyError(ApiError, status=403, slug="no-operator-key"):
    """The request does not have the operator's key, or the service has none."""


class LoadTestMarkError(ApiError, status=403, slug="load-test-mark"):
    """The key of the request may not mark it as a load test."""


class NotServedError(ApiError, status=404, slug="not-served"):
    """The path names a model or a version that is not served."""


class BodyTooSlowError(ApiError, status=408, slug="body-too-slow", headers={"Connection": "close"}):
    """The body paused for too long, or arrives too slowly."""


class BodyTooLargeError(ApiError, status=413, slug="body-too-large"):
    """The body exceeds the size limit."""


class UnsupportedMediaError(ApiError, status=415, slug="unsupported-media-type"):
    """The body has another media type, charset or encoding than the route accepts."""


class InvalidRecordsError(ApiError, status=422, slug="invalid-records"):
    """The body is well formed but has invalid records or outcomes."""


class InvalidQueryError(ApiError, status=422, slug="invalid-query"):
    """A query parameter has an invalid value."""


class TooManyRequestsError(ApiError, status=429, slug="too-many-requests"):
    """The client exceeds its rate limit."""


class NoDatabaseError(ApiError, status=503, slug="no-database", headers={"Retry-After": "5"}):
    """PostgreSQL is unavailable, and the request needs it."""


class NoModelError(ApiError, status=503, slug="no-model", headers={"Retry-After": "5"}):
    """No model is loaded."""


class StoppingError(ApiError, status=503, slug="stopping", headers={"Retry-After": "1"}):
    """The service was told to stop; only readiness fails with it."""


class OverloadedError(ApiError, status=503, slug="overloaded", headers={"Retry-After": "1"}):
    """Load shedding: a limit of admission control is reached."""
