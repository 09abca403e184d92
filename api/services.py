"""The services that the routes depend on, built once per application."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

from fastapi import Depends, Request

from api.admission import Admission
from api.draining import Draining
from api.errors import StoppingError
from api.models.store import ModelStore
from api.scoring.large_batches import LargeBatches
from api.scoring.micro_batching import MicroBatcher
from api.settings import ApiSettings
from api.storage.access_log import AccessLog
from api.storage.feedback import FeedbackStore
from api.storage.monitoring_results import MonitoringResultsStore
from api.storage.patient_history import PatientHistory
from api.storage.policies import PolicyStore
from api.storage.prediction_log import PredictionLog
from api.telemetry.field_counts import FieldCounts
from api.telemetry.metrics import Metrics
from api.telemetry.prediction_recorder import PredictionRecorder
from api.telemetry.state_metrics import StateCollector
from api.telemetry.worker_metrics import WorkerMetrics
from api.watchdog import Watchdog
from ml.core.pseudonyms import Pseudonyms


class Services:
    """Builds, starts and stops the services of one application."""

    def __init__(self, settings: ApiSettings) -> None:
        field_counts = FieldCounts()
        self.settings = settings
        self.pseudonyms = Pseudonyms.from_settings(settings)
        self.admission = Admission.from_settings(settings)
        self.model_store = ModelStore.from_settings(settings)
        self.patient_history = PatientHistory.from_settings(settings)
        self.prediction_log = PredictionLog.from_settings(settings, self.pseudonyms, field_counts.count)
        self.feedback_store = FeedbackStore(settings, self.pseudonyms)
        self.access_log = AccessLog(settings, self.pseudonyms)
        self.monitoring_results = MonitoringResultsStore(settings)
        self.policies = PolicyStore(settings)
        self.micro_batcher = MicroBatcher(self.patient_history)
        self.large_batches = LargeBatches(settings)
        self.batch_pool = ThreadPoolExecutor(max_workers=3, thread_name_prefix="batch")
        self.metrics = Metrics(
            StateCollector(self.model_store, self.prediction_log, self.admission, self.micro_batcher), field_counts
        )
        self.worker_metrics = WorkerMetrics(self.metrics.registry) if settings.api_workers > 1 else None
        self.draining = Draining(settings.drain_seconds)
        self.watchdog = Watchdog(settings.event_loop_stall_seconds)
        self.prediction_recorder = PredictionRecorder(self.metrics, self.prediction_log, self.pseudonyms, self.policies)

    async def start(self) -> None:
        """Start the background work; never fails."""
        self.watchdog.start()
        self.prediction_log.start()
        if self.worker_metrics is not None:
            await self.worker_metrics.start()
        await self.policies.start()
        await self.model_store.start()
        self.draining.start()

    def require_readiness(self) -> None:
        """Return if a load balancer may send requests.

        Raises:
            StoppingError: the service stops within seconds.
            NoModelError: no model is loaded.
        """
        if self.draining.has_begun:
            raise StoppingError("this replica stops: send requests to another one")
        self.model_store.require()

    async def stop(self) -> None:
        """Stop the background work and close all connections."""
        self.watchdog.stop()
        if self.worker_metrics is not None:
            await self.worker_metrics.stop()
        await self.model_store.stop()
        await self.policies.stop()
        await asyncio.to_thread(self.prediction_log.stop)
        self.batch_pool.shutdown(wait=False, cancel_futures=True)
        self.large_batches.stop()
        self.patient_history.stop()
        self.feedback_store.stop()
        self.access_log.stop()
        self.monitoring_results.stop()


def services_of(request: Request) -> Services:
    """The services of the application that received the request."""
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(services_of)]
