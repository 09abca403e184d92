"""Client of ``POST /predict/csv``. Imports pandas, so it is apart from :mod:`ui.clients.api`."""

from io import BytesIO
from typing import Final

import pandas as pd

from ml.schema.code_systems import CODE_SYSTEM, CodeSystem
from ml.schema.files.reader import CODE_COLUMNS
from ui.clients.api import ApiClient
from ui.clients.errors import InvalidResponse

RISK: Final = "readmission_risk"
KNOWN: Final = "known_fields"
RELIABILITY: Final = "reliability"
LOW: Final = "risk_low"
HIGH: Final = "risk_high"
FLAGGED: Final = "flagged"
HISTORY: Final = "history"
OUTSIDE: Final = "outside_population"
WARNINGS: Final = "warnings"
ADDED: Final = (
    *(RISK, KNOWN, RELIABILITY, LOW, HIGH, FLAGGED, HISTORY),
    *(*CODE_COLUMNS.values(), OUTSIDE, WARNINGS),
)
"""Columns that the API adds to a file in its order: some of them only on request, with a policy or for some files."""


class ScoringClient(ApiClient):
    """Scores rows of a file."""

    def score(
        self,
        content: bytes,
        rows: int,
        is_production: bool = False,
        code_system: CodeSystem = CodeSystem.ICD9,
        with_ranges: bool = False,
    ) -> tuple[pd.DataFrame, str]:
        """Score a CSV file of this number of rows; raises Rejected with the errors of its lines.

        Monitoring counts the predictions only if ``is_production``.

        Returns:
            The added columns in the order of the rows, and the version of the model.
        """
        mark = {} if is_production else {"X-Load-Test": "1"}
        headers = {"Content-Type": "text/csv", **mark}
        params = {CODE_SYSTEM: code_system.value, **({"interval": "true"} if with_ranges else {})}
        response = self.request("POST", "/predict/csv", params=params, content=content, headers=headers)
        try:
            table = pd.read_csv(
                BytesIO(response.content),
                usecols=lambda name: name in ADDED,
                keep_default_na=False,
                dtype={
                    KNOWN: "int16",
                    RISK: "float64",
                    RELIABILITY: "float64",
                    LOW: "float64",
                    HIGH: "float64",
                    FLAGGED: "str",
                    HISTORY: "category",
                    OUTSIDE: "str",
                    WARNINGS: "str",
                    **dict.fromkeys(CODE_COLUMNS.values(), "str"),
                },
            )
        except ValueError as error:
            raise InvalidResponse(self.service) from error
        if len(table) != rows or not {RISK, OUTSIDE} <= set(table.columns):
            raise InvalidResponse(self.service)
        return table, response.headers.get("X-Model-Version", "")
