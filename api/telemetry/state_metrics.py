"""Metrics of the service's state: model, registry, admission, micro-batching and prediction log; read at a scrape."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from api.admission import Admission
from api.models.store import UNAPPROVED, ModelStore
from api.scoring.micro_batching import MicroBatcher
from api.storage.prediction_log import PredictionLog
from ml.core.build import build_info


@dataclass(frozen=True)
class StateCollector(Collector):
    """Reads the parts of the service at each scrape, so that their metrics are always current."""

    store: ModelStore
    log: PredictionLog
    admission: Admission
    batcher: MicroBatcher

    def collect(self) -> Iterator[Metric]:
        """The current state."""
        build = build_info()
        info = GaugeMetricFamily("build_info", "Version and commit.", labels=["service", "version", "commit"])
        info.add_metric(["api", build.version, build.commit], 1)
        yield info
        yield from self._registry()
        yield from self._model()
        shed = CounterMetricFamily("api_requests_shed", "Requests rejected by admission control.", labels=["reason"])
        for reason, count in self.admission.shed.items():
            shed.add_metric([reason], count)
        yield shed
        yield CounterMetricFamily("prediction_log_written", "Predictions written to PostgreSQL.", self.log.written)
        yield CounterMetricFamily("prediction_log_dropped", "Predictions that were not written.", self.log.dropped)
        yield _gauge("prediction_log_queue_length", "Predictions queued for writing.", self.log.queued)
        stages = SummaryMetricFamily("api_stage_duration_seconds", "Time in stages of the work.", labels=["stage"])
        stages.add_metric(["score"], self.batcher.calls, self.batcher.seconds)
        stages.add_metric(["log"], self.log.batches, self.log.seconds)
        yield stages
        yield _gauge("api_scoring_queue_length", "Small requests that wait for a model call.", self.batcher.waiting)
        yield _gauge("api_large_batches_waiting", "Large batches that wait for their turn.", self.admission.waiting)

    def _registry(self) -> Iterator[Metric]:
        model, state = self.store.current, self.store.registry_state
        yield _gauge(
            "model_registered_version", "Version with the production alias; 0 if none.", _number(state.version)
        )
        skewed = model is not None and state.version not in (None, model.registered.version)
        yield _gauge("model_version_skew", "1 if another version is served than the registry names.", skewed)
        yield _gauge("model_registry_reachable", "1 if the last poll of MLflow succeeded.", state.reachable)
        yield _gauge(
            "model_last_reload_timestamp_seconds",
            "Last successful poll of the registry; before the first one, the start of the service.",
            state.checked_timestamp,
        )
        rejected = self.store.rejected
        unapproved = rejected is not None and rejected.kind == UNAPPROVED
        yield _gauge("model_unapproved", "1 if the gate has not approved the production version.", unapproved)
        moved = model is not None and model.moved_by_hand
        yield _gauge("model_moved_by_hand", "1 if the gate approved another version after the served one.", moved)
        failures = CounterMetricFamily("model_load_failures", "Rejected models.", labels=["reason"])
        for reason, count in sorted(self.store.load_failures.items()):
            failures.add_metric([reason], count)
        yield failures

    def _model(self) -> Iterator[Metric]:
        model = self.store.current
        version = _number(model.registered.version) if model else 0
        yield _gauge("model_loaded", "1 if a model is loaded.", model is not None)
        yield _gauge("model_served_version", "Version of the served model; 0 if none.", version)
        info = GaugeMetricFamily(
            "model_info", "The served model.", labels=["name", "version", "algorithm", "data_source"]
        )
        if model is not None:
            registered, manifest = model.registered, model.bundle.manifest
            info.add_metric([registered.name, registered.version, manifest.algorithm, manifest.provenance], 1)
            yield _gauge(
                "model_loaded_timestamp_seconds", "Time at which the model was loaded.", model.loaded_timestamp
            )
            with suppress(ValueError):  # the manifest's time is a string of any content
                trained = datetime.fromisoformat(manifest.trained_at).timestamp()
                yield _gauge("model_trained_timestamp_seconds", "Time at which the model was trained.", trained)
        yield info


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, float(value))


def _number(version: str | None) -> float:
    return float(version) if version is not None and version.isdecimal() else 0.0
