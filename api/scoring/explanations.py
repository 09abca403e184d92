"""Explains the predictions for the records of a body."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from api.contract.conversions import converted_codes
from api.contract.parsing import parse_large
from api.contract.requests import MAX_EXPLAIN_RECORDS
from api.scoring.core import with_reliability
from api.scoring.model_inputs import look_up_inputs_blocking
from api.storage.patient_history import PatientHistory
from ml.core.bundle import Bundle
from ml.core.explain import Explanation, explain
from ml.schema import INPUTS, Record

_LABELS: Final = {column.name: column.label for column in INPUTS}


def explain_body(
    body: bytes, max_records: int, bundle: Bundle, patient_history: PatientHistory
) -> tuple[list[dict[str, Any]], Sequence[Record]]:
    """Explain each record, as :class:`api.contract.responses.Explanation`; in a thread that may wait.

    Returns:
        The explanations, and the records as they were sent.

    Raises:
        MalformedBodyError: the body is not JSON.
        InvalidRecordsError: the body does not hold 1 to 20 (or `max_records`) valid records.
    """
    records = parse_large(body, min(max_records, MAX_EXPLAIN_RECORDS))
    inputs = look_up_inputs_blocking(records, patient_history)
    explanations = [explain(bundle, record) for record in inputs.records]
    probabilities = np.array([explanation.probability for explanation in explanations], np.float32)
    predictions = with_reliability(probabilities, inputs.records, bundle.reliability_curve)
    columns = zip(
        explanations, inputs.records, predictions.known_fields, predictions.reliability, inputs.history, strict=True
    )
    documents = [
        {
            **_to_json(explanation, record),
            "known_fields": known,
            "reliability": reliability,
            "history": state,
            "outside_population": inputs.outside_population[index],
            "warnings": [warning._asdict() for warning in inputs.warnings if warning.record == index],
        }
        for index, (explanation, record, known, reliability, state) in enumerate(columns)
    ]
    for document, codes in zip(documents, converted_codes(records) or (), strict=False):
        document["codes"] = codes
    return documents, records


def _to_json(explanation: Explanation, record: Record) -> dict[str, Any]:
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
