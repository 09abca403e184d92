"""HTTP client with one time budget for all requests of a scrape."""

import time
from typing import Any

import httpx


class BudgetedClient:
    """Reads JSON from one service; all requests after a `begin` share one time budget."""

    def __init__(self, base_url: str, budget_seconds: float) -> None:
        self._http = httpx.Client(base_url=base_url.rstrip("/"), trust_env=False)  # no proxy between our services
        self._budget = budget_seconds
        self._deadline = 0.0

    def begin(self) -> None:
        """Start a new budget."""
        self._deadline = time.monotonic() + self._budget

    def json(self, method: str, path: str, **options: Any) -> Any:
        """Send one request and decode the body.

        Raises:
            TimeoutError: the budget is spent.
            httpx.HTTPError: no response in time, or one with an error status.
            ValueError: the body is not JSON.
        """
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError(f"no time left for {path}: the service responds too slowly")
        return self._http.request(method, path, timeout=remaining, **options).raise_for_status().json()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
