"""The use case of an explanation, free of HTTP: the bytes of a body in, explained records out."""

from typing import Any, Final

from api.contract.parsing import read_large
from api.scoring.core import reliability
from api.storage.patient_history import History, patients_of, recall
from ml.core.bundle import Bundle
from ml.core.explain import Explanation, explain
from ml.core.reliability import known_fields
from ml.schema import INPUTS, Record

MOST_RECORDS: Final = 20
"""An explanation costs as much as the predictions of hundreds of records."""

_LABELS: Final = {column.name: column.label for column in INPUTS}


def explain_body(body: bytes, bundle: Bundle, max_records: int, history: History) -> list[dict[str, Any]]:
    """Explain the records of a body, in their order, as :class:`api.contract.responses.Explanation` describes.

    Raises:
        MalformedBodyError: it is not JSON.
        InvalidRecordsError: it does not hold 1 to `max_records` valid records, or more than :data:`MOST_RECORDS`.
    """
    records = read_large(body, min(max_records, MOST_RECORDS))
    patients = patients_of(records)
    found = history.find_blocking(patients) if patients else {}
    recalled = [recall(record, found) for record in records]
    expected = reliability(bundle.reliability_curve, [record for record, _ in recalled])
    return [
        {
            **_as_json(explain(bundle, record), record),
            "known_fields": known_fields(record),
            "reliability": auroc,
            "history": state,
        }
        for (record, state), auroc in zip(recalled, expected, strict=True)
    ]


def _as_json(explanation: Explanation, record: Record) -> dict[str, Any]:
    return {
        "probability": explanation.probability,
        "base": explanation.base,
        "contributions": [
            {
                "field": name,
                "label": _LABELS[name],
                "value": record[name],
                "contribution": contribution,
                "standard_error": explanation.errors[name],
            }
            for name, contribution in explanation.contributions.items()
        ],
        "remainder": explanation.remainder,
    }
