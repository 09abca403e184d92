"""HTTP client of the prediction service."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from ml.core.errors import SimulationError
from ml.schema import Record


class ApiClient(httpx.Client):
    """Client of one service; failed requests raise SimulationError. No load test mark: simulated predictions count."""

    def __init__(self, url: str, key: str = "") -> None:
        headers = {"User-Agent": "readmission-simulation", **({"X-API-Key": key} if key else {})}
        super().__init__(headers=headers, timeout=30, trust_env=False)  # no proxy: the service is local
        self._address = url.rstrip("/")

    def predict(self, record: Record, request_id: str) -> None:
        """Request the prediction for one encounter."""
        self._send("/predict", {"records": [record]}, {"X-Request-ID": request_id})

    def report_outcomes(self, outcomes: Sequence[Mapping[str, Any]]) -> None:
        """Report outcomes, in the fields of ``POST /feedback``."""
        self._send("/feedback", {"outcomes": outcomes}, {})

    def _send(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        try:
            response = self.post(f"{self._address}{path}", json=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SimulationError(
                f"The prediction service at {self._address} does not answer ({type(error).__name__}): start it, or "
                "give its address with --api."
            ) from error
        if not response.is_success:
            raise SimulationError(
                f"The prediction service answered {path} with status {response.status_code}: {_detail(response)}"
            )


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, TypeError, KeyError):
        return "the response has no detail; is this the address of the prediction service?"
