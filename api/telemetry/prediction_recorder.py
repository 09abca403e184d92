"""Records predictions of every protocol: in the metrics and in the prediction log."""

from asyncio import get_running_loop
from datetime import UTC, datetime
from typing import Final

import numpy as np
from starlette.types import Scope

from api.models.store import ServedModel
from api.scoring.core import ScoredRecords, flags
from api.scoring.large_batches import BatchResult
from api.storage.policies import PolicyStore
from api.storage.prediction_log import PredictionLog
from api.storage.prediction_table import LogEntry
from api.telemetry.metrics import Metrics
from api.transport.access import client_of
from api.transport.http_request import is_load_test
from ml.core.pseudonyms import Pseudonyms

_NO_RECORDS: Final = ScoredRecords([], np.empty(0, np.float32), [], [], [], None, [], [])


class PredictionRecorder:
    """Counts and logs predictions. For the event loop, as the metrics are."""

    def __init__(self, metrics: Metrics, log: PredictionLog, pseudonyms: Pseudonyms, policies: PolicyStore) -> None:
        self._metrics = metrics
        self._log = log
        self._pseudonyms = pseudonyms
        self._policies = policies

    def record(self, scope: Scope, model: ServedModel, scored: ScoredRecords) -> None:
        """Record the predictions of one request."""
        self._metrics.observe_batch(len(scored.records))
        self.record_block(scope, model, scored, 0)

    def record_block(self, scope: Scope, model: ServedModel, scored: ScoredRecords, first: int) -> None:
        """Record a block of the predictions of a request; `first` is the number of predictions before it."""
        entry = self._entry(scope, model, scored, first)
        self._metrics.observe_predictions(entry.model_version, entry.load_test, scored.probabilities, scored.history)
        if (policy := self._policies.current) is not None:
            self._metrics.observe_flags(policy.name, entry.load_test, flags(scored, policy))
        get_running_loop().call_soon(self._log.put, entry)  # after the response has been sent

    def large_batch_entry(self, scope: Scope, model: ServedModel) -> LogEntry | None:
        """The log entry of a large batch, without records and predictions; None if the log is off."""
        return self._entry(scope, model, _NO_RECORDS, 0) if self._log.is_on else None

    def record_large_batch(self, scope: Scope, model: ServedModel, result: BatchResult) -> None:
        """Count the predictions of a large batch; its worker logs them."""
        self._metrics.observe_batch(len(result.probabilities))
        is_marked = is_load_test(scope)
        self._metrics.observe_predictions(model.registered.version, is_marked, result.probabilities, result.history)
        if (policy := self._policies.current) is not None:
            self._metrics.observe_flags(policy.name, is_marked, result.flagged)

    def _entry(self, scope: Scope, model: ServedModel, scored: ScoredRecords, first: int) -> LogEntry:
        return LogEntry(
            request_id=scope["state"]["request_id"],
            predicted_at=datetime.now(UTC),
            model_version=model.registered.version,
            data_source=model.bundle.manifest.provenance,
            load_test=is_load_test(scope),
            records=scored.records,
            known_fields=scored.known_fields,
            probabilities=scored.probabilities,
            client=client_of(scope, self._pseudonyms),
            first=first,
        )
