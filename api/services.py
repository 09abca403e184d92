"""The services that the routes depend on, built once per application."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.admission import Admission
from api.models.store import ModelStore
from api.scoring.large_batches import LargeBatches
from api.scoring.micro_batching import MicroBatcher
from api.settings import ApiSettings
from api.storage.feedback import FeedbackStore
from api.storage.patient_history import PatientHistory
from api.storage.prediction_log import PredictionLog
from api.telemetry.metrics import Metrics
from api.telemetry.prediction_recorder import PredictionRecorder
from api.telemetry.worker_metrics import WorkerMetrics
from ml.core.pseudonyms import Pseudonyms


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one application."""

    settings: ApiSettings
    pseudonyms: Pseudonyms
    metrics: Metrics
    worker_metrics: WorkerMetrics | None  # None with a single worker
    model_store: ModelStore
    patient_history: PatientHistory
    prediction_log: PredictionLog
    prediction_recorder: PredictionRecorder
    feedback_store: FeedbackStore
    admission: Admission
    micro_batcher: MicroBatcher
    large_batches: LargeBatches
    batch_pool: ThreadPoolExecutor


def services_of(request: Request) -> Services:
    """The services of the application that received the request."""
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(services_of)]
