"""Errors of the service. Each becomes an error response: a problem document (RFC 9457) or the format of a protocol."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from ml.core.errors import PlatformError


class ApiError(PlatformError):
    """Base class: a request that fails.

    A subclass sets the HTTP status, the last part of the problem's ``type``, its title and headers of the response.
    """

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"
    default_headers: ClassVar[Mapping[str, str]] = {}

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


class MalformedBodyError(ApiError):
    """The body is not JSON, or the file is not text."""

    status, slug, title = 400, "malformed-body", "Malformed body"


class NoKeyError(ApiError):
    """The request has no valid API key."""

    status, slug, title = 401, "no-key", "No key"
    default_headers: ClassVar = {"WWW-Authenticate": 'Bearer realm="readmission"'}


class NotServedError(ApiError):
    """The path names a model or a version that is not served."""

    status, slug, title = 404, "not-served", "Not served"


class BodyTooSlowError(ApiError):
    """The body did not arrive within the time limit."""

    status, slug, title = 408, "body-too-slow", "Body too slow"
    default_headers: ClassVar = {"Connection": "close"}


class BodyTooLargeError(ApiError):
    """The body exceeds the size limit."""

    status, slug, title = 413, "body-too-large", "Body too large"


class UnsupportedMediaError(ApiError):
    """The body has another media type, charset or encoding than the route accepts."""

    status, slug, title = 415, "unsupported-media-type", "Unsupported media type"


class InvalidRecordsError(ApiError):
    """The body is well formed but has invalid records or outcomes."""

    status, slug, title = 422, "invalid-records", "Invalid records"


class InvalidQueryError(ApiError):
    """A query parameter has an invalid value."""

    status, slug, title = 422, "invalid-query", "Invalid query"


class TooManyRequestsError(ApiError):
    """The client exceeds its rate limit."""

    status, slug, title = 429, "too-many-requests", "Too many requests"


class NoDatabaseError(ApiError):
    """PostgreSQL is unavailable, and the request needs it."""

    status, slug, title = 503, "no-database", "No database"
    default_headers: ClassVar = {"Retry-After": "5"}


class NoModelError(ApiError):
    """No model is loaded."""

    status, slug, title = 503, "no-model", "No model"
    default_headers: ClassVar = {"Retry-After": "5"}


class OverloadedError(ApiError):
    """Load shedding: a limit of admission control is reached."""

    status, slug, title = 503, "overloaded", "Overloaded"
    default_headers: ClassVar = {"Retry-After": "1"}
