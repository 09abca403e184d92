"""The prediction service as a simulation speaks to it: over HTTP, like everybody else."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

import httpx

from ml.core.errors import SimulationError
from ml.schema import Record

USER_AGENT: Final = "readmission-simulation"
_TIMEOUT_SECONDS: Final = 30.0


class Service:
    """A client with one connection. All methods raise SimulationError when the service does not do as it is asked.

    Nothing is marked as a load test: predictions of a simulation are meant to count.
    """

    def __init__(self, url: str, key: str = "") -> None:
        self._url = url.rstrip("/")
        headers = {"User-Agent": USER_AGENT, **({"X-API-Key": key} if key else {})}
        # A neighbour: a proxy meant for the Internet must not stand in between.
        self._http = httpx.Client(headers=headers, timeout=_TIMEOUT_SECONDS, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def predict(self, record: Record, request_id: str) -> None:
        """Ask for the risk of one encounter."""
        self._post("/predict", {"records": [record]}, {"X-Request-ID": request_id})

    def tell(self, outcomes: Sequence[Mapping[str, Any]]) -> None:
        """Tell what became of patients."""
        self._post("/feedback", {"outcomes": outcomes}, {})

    def _post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        try:
            answer = self._http.post(f"{self._url}{path}", json=body, headers=dict(headers))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SimulationError(
                f"The prediction service at {self._url} does not answer ({type(error).__name__}): start it, or give "
                "its address with --api."
            ) from error
        if not answer.is_success:
            raise SimulationError(
                f"The prediction service answered {path} with status {answer.status_code}: {_detail(answer)}"
            )


def _detail(answer: httpx.Response) -> str:
    """What a refusal says of itself."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, TypeError, KeyError):
        return "it does not say why; is this the address of the prediction service?"
