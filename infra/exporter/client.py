"""HTTP with a time budget per scrape: the one place where the exporter touches the network."""

import time
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

Shape = TypeVar("Shape", bound=BaseModel)


class ReadError(Exception):
    """A service did not answer in time, refused, or answered in a shape that is not its API's."""


class BudgetedClient:
    """Reads typed JSON from one service; all reads between two `begin` calls share one time budget."""

    def __init__(self, base_url: str, budget_seconds: float) -> None:
        self._client = httpx.Client(base_url=base_url.rstrip("/"), trust_env=False)  # neighbours are not behind a proxy
        self._budget = budget_seconds
        self._deadline = 0.0

    def begin(self) -> None:
        """Start a new budget."""
        self._deadline = time.monotonic() + self._budget

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request; any status is an answer.

        Raises:
            ReadError: when no answer came within what is left of the budget.
        """
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise ReadError(f"no time was left for {path}: the service answers too slowly")
        try:
            return self._client.request(method, path, timeout=remaining, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ReadError(f"{path}: {type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()


def parse(response: httpx.Response, shape: type[Shape]) -> Shape:
    """Check the status and read the body.

    Raises:
        ReadError: on an error status or a body of another shape.
    """
    path = response.request.url.path
    if not response.is_success:
        raise ReadError(f"{path}: HTTP {response.status_code}")
    try:
        return shape.model_validate_json(response.content)
    except ValidationError as error:
        raise ReadError(f"{path}: unexpected answer: {error.errors(include_url=False)[0]['msg']}") from error
