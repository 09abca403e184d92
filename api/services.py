"""What the routes need, built once per application and handed to them by name."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.admission import Admission
from api.models.store import ModelStore
from api.scoring.large_batches import LargeBatches
from api.scoring.micro_batching import MicroBatcher
from api.settings import ApiSettings
from api.storage.feedback import Feedback
from api.storage.patient_history import History
from api.storage.prediction_log import PredictionLog
from api.telemetry.metrics import Metrics
from api.telemetry.worker_metrics import Workers
from ml.core.pseudonyms import Pseudonyms


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one application."""

    settings: ApiSettings
    metrics: Metrics
    store: ModelStore
    log: PredictionLog
    history: History
    feedback: Feedback
    pseudonyms: Pseudonyms
    load: Admission
    together: MicroBatcher
    large_batches: LargeBatches
    batch_pool: ThreadPoolExecutor
    workers: Workers | None  # None while there is one


def services_of(request: Request) -> Services:
    """The parts of the application that received the request."""
    services: Services = request.app.state.services
    return services


Parts = Annotated[Services, Depends(services_of)]
