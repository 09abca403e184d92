"""The prediction API for files: ``POST /predict/csv``."""

from dataclasses import dataclass
from io import BytesIO
from typing import Final

import httpx
import pandas as pd

from ui.clients.connection import Connection
from ui.clients.errors import NotUnderstood, Service

RISK: Final = "readmission_risk"
KNOWN: Final = "known_fields"
RELIABILITY: Final = "reliability"
HISTORY: Final = "history"
ADDED: Final = (RISK, KNOWN, RELIABILITY, HISTORY)
"""What the API adds to the columns of a file; the last one where the file names patients."""

LEAST_SECONDS: Final = 30.0
"""Some thousand lines may take longer than one patient, on a busy machine."""

_PATH: Final = "/predict/csv"


@dataclass(frozen=True, slots=True)
class Scores:
    """What the API adds to some lines, in their order, and which model version it was."""

    table: pd.DataFrame
    version: str


class ScoringClient(Connection):
    """Scores lines of a file."""

    def __init__(self, url: str, timeout: float, key: str = "", transport: httpx.BaseTransport | None = None) -> None:
        headers = {"X-API-Key": key} if key else {}
        super().__init__(Service.API, url, max(timeout, LEAST_SECONDS), headers, transport)

    def score(self, lines: bytes, rows: int) -> Scores:
        """Score so many lines below their header; raises Refused with the faults of its lines.

        Their own columns come back too, and are not kept: whoever asks has them.
        """
        answer = self.send("POST", _PATH, content=lines, headers={"Content-Type": "text/csv"})
        try:
            table = pd.read_csv(
                BytesIO(answer.content),
                usecols=lambda name: name in ADDED,
                keep_default_na=False,
                dtype={KNOWN: "int16", RISK: "float64", RELIABILITY: "float64", HISTORY: "category"},
            )
        except ValueError as error:
            raise NotUnderstood(self.service) from error
        if len(table) != rows or RISK not in table:
            raise NotUnderstood(self.service)
        return Scores(table, answer.headers.get("X-Model-Version", ""))
