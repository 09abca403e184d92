"""The table client × call × result: what the programs of docs/clients print, checked."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

import pytest

SCORED: Final = ("three fields", "all fields")
REFUSED: Final = "unknown value"
_RISK: Final = re.compile(r"\b0\.[0-9]+(?:e-[0-9]+)?")


@dataclass(frozen=True)
class Row:
    """A call of a client."""

    client: str
    call: str
    result: str


@dataclass
class Table:
    """All calls so far."""

    rows: list[Row] = field(default_factory=list)

    def add(
        self, client: str, printed: str, risks: dict[str, list[float]], version: str, more: Collection[str] = ()
    ) -> None:
        """Check what a client printed: a line for each call.

        Args:
            client: its name in the table.
            printed: lines of the form ``call: result``.
            risks: the predictions by call.
            version: of the model.
            more: calls beside those of a complete and an incomplete record and an unknown value.
        """
        results = dict(line.split(": ", 1) for line in printed.splitlines() if ": " in line)
        self.rows += [Row(client, call, result) for call, result in results.items()]
        assert set(results) == {*SCORED, REFUSED, *more}, printed
        for call in results.keys() & risks.keys():
            found = [float(number) for number in _RISK.findall(results[call])][: len(risks[call])]
            assert found == pytest.approx(risks[call], abs=1e-4 if call == "file" else 1e-6), (client, call)
        assert re.search(r"\b(422|400)\b", results[REFUSED]), results[REFUSED]
        assert "race" in results[REFUSED], results[REFUSED]
        assert "Caucasian" in results[REFUSED], "the allowed values are named"
        if "model" in results:
            assert "diabetes-readmission" in results["model"]
            assert re.search(rf"\b{version}\b", results["model"])
        assert "outcome" not in results or "recorded" in results["outcome"]
