"""How long parts of the work take, and what waits for them; read at each scrape."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.registry import Collector

from api.scoring.micro_batching import MicroBatcher
from api.storage.prediction_log import PredictionLog


@dataclass(frozen=True)
class StageCollector(Collector):
    """The calls of the model for small requests, and the writing of the prediction log."""

    together: MicroBatcher
    log: PredictionLog

    def collect(self) -> Iterator[SummaryMetricFamily | GaugeMetricFamily]:
        """Times and queue as they are now."""
        stages = SummaryMetricFamily("api_stage_duration_seconds", "Time in parts of the work.", labels=["stage"])
        stages.add_metric(["score"], self.together.calls, self.together.seconds)
        stages.add_metric(["log"], self.log.batches, self.log.seconds)
        yield stages
        waiting = float(self.together.waiting)
        yield GaugeMetricFamily("api_scoring_queue_length", "Small requests that wait for a call.", value=waiting)
