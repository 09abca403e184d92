"""What is kept of answers, in whatever protocol they were asked for: metrics and the prediction log."""

from asyncio import get_running_loop
from datetime import UTC, datetime
from typing import Final

import numpy as np
from fastapi import Request
from numpy.typing import NDArray

from api.models.store import ServedModel
from api.scoring.core import Scored
from api.scoring.large_batches import LargeAnswer
from api.services import Services
from api.storage.prediction_table import Entry
from api.transport.access import client_of
from api.transport.headers import header_of

_NOTHING: Final = Scored([], np.empty(0, np.float32), [], [], [], None)


def record(request: Request, services: Services, model: ServedModel, scored: Scored) -> None:
    """Keep the answers of one request. Called in the event loop, which is what the metrics count on."""
    services.metrics.observe_batch(len(scored.records))
    record_part(request, services, model, scored, 0)


def record_part(request: Request, services: Services, model: ServedModel, scored: Scored, first: int) -> None:
    """Keep some of the answers of a request that is answered piece by piece; the log has them once they are sent.

    Args:
        request: what was asked.
        services: the parts of the application.
        model: the model that answered.
        scored: the answers.
        first: how many answers of the request came before them.
    """
    entry = _entry_of(request, services, model, scored, first)
    _count(services, entry, scored.probabilities, scored.history)
    if services.settings.prediction_log:
        get_running_loop().call_soon(services.log.put, entry)


def large_entry(request: Request, services: Services, model: ServedModel) -> Entry | None:
    """What the log shall know of a large batch, apart from records and answers; None when nothing is logged."""
    return _entry_of(request, services, model, _NOTHING, 0) if services.settings.prediction_log else None


def record_large(request: Request, services: Services, model: ServedModel, answer: LargeAnswer) -> None:
    """Keep the answers of a large batch."""
    services.metrics.observe_batch(len(answer.probabilities))
    _count(services, _entry_of(request, services, model, _NOTHING, 0), answer.probabilities, answer.history)


def _count(services: Services, entry: Entry, probabilities: NDArray[np.float32], history: list[str]) -> None:
    services.metrics.observe_predictions(entry.model_version, entry.load_test, probabilities)
    services.metrics.observe_history(history)


def _entry_of(request: Request, services: Services, model: ServedModel, scored: Scored, first: int) -> Entry:
    return Entry(
        request_id=request.scope["state"]["request_id"],
        predicted_at=datetime.now(UTC),
        model_version=model.registered.version,
        data_source=model.bundle.manifest.provenance,
        client=client_of(request.scope, services.pseudonyms),
        load_test=header_of(request.scope, b"x-load-test") == b"1",
        records=scored.records,
        known_fields=scored.known_fields,
        probabilities=scored.probabilities,
        first=first,
    )
