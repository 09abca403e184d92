"""The application: the composition root, which builds and connects all services."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from fastapi import FastAPI
from starlette.middleware import Middleware

from api.admission import Admission
from api.models.store import ModelStore
from api.routes import (
    docs,
    explain,
    feedback,
    index,
    mlflow_scoring,
    model,
    open_inference,
    predict,
    predict_csv,
    status,
)
from api.scoring.large_batches import LargeBatches
from api.scoring.micro_batching import MicroBatcher
from api.services import Services
from api.settings import ApiSettings
from api.storage.feedback import FeedbackStore
from api.storage.patient_history import PatientHistory
from api.storage.prediction_log import PredictionLog
from api.telemetry import logs
from api.telemetry.field_counts import FieldCounts
from api.telemetry.metrics import Metrics
from api.telemetry.prediction_recorder import PredictionRecorder
from api.telemetry.state_metrics import StateCollector
from api.telemetry.worker_metrics import WorkerMetrics
from api.transport.access import AccessControl
from api.transport.error_responses import install_error_handlers
from api.transport.middleware import AdmissionMiddleware, ObservabilityMiddleware
from api.transport.openapi import openapi_document
from ml.core.errors import SettingsError
from ml.core.pseudonyms import Pseudonyms

DESCRIPTION = """
Calibrated probabilities that a patient with diabetes is readmitted within 30 days of discharge.
The fields are those of the data set *Diabetes 130-US Hospitals*; a record may have any subset of them.
Errors are problem documents (RFC 9457); every response has an `X-Request-ID`.
"""

SWITCH_INTERVAL_SECONDS: Final = 0.0003
"""How long a thread may keep the interpreter lock from the event loop; Python's default of 5 ms is many requests."""


def create_app(settings: ApiSettings | None = None) -> FastAPI:
    """Build the service: ``uvicorn --factory api.app:create_app``.

    It starts without MLflow and without PostgreSQL: until there is a model, predictions fail with 503.
    """
    try:
        settings = settings or ApiSettings.load()
        access = AccessControl.from_settings(settings)
    except SettingsError as error:
        sys.exit(str(error))
    logs.configure()
    services = _build(settings)
    app = FastAPI(
        title="Readmission risk",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        middleware=[
            Middleware(ObservabilityMiddleware, metrics=services.metrics),
            Middleware(
                AdmissionMiddleware,
                admission=services.admission,
                max_bytes=settings.max_body_bytes,
                seconds=settings.body_timeout_seconds,
            ),
        ],
    )
    app.state.services = services
    app.openapi = partial(openapi_document, app, settings.max_records, access)  # type: ignore[method-assign]
    install_error_handlers(app)
    for routes in (predict, predict_csv, explain, feedback, model, mlflow_scoring, open_inference, status, index, docs):
        app.include_router(routes.router)
    access.install(app)
    return app


def _build(settings: ApiSettings) -> Services:
    pseudonyms, metrics, field_counts = Pseudonyms.of(settings), Metrics(), FieldCounts()
    model_store, admission = ModelStore.from_settings(settings), Admission.from_settings(settings)
    patient_history = PatientHistory.from_settings(settings)
    micro_batcher = MicroBatcher(patient_history)
    log = PredictionLog.from_settings(settings, pseudonyms, field_counts.count)
    metrics.registry.register(StateCollector(model_store, log, admission, micro_batcher))
    metrics.registry.register(field_counts)
    return Services(
        settings=settings,
        pseudonyms=pseudonyms,
        metrics=metrics,
        worker_metrics=WorkerMetrics(metrics.registry) if settings.api_workers > 1 else None,
        model_store=model_store,
        patient_history=patient_history,
        prediction_log=log,
        prediction_recorder=PredictionRecorder(metrics, log if settings.prediction_log else None, pseudonyms),
        feedback_store=FeedbackStore.from_settings(settings, pseudonyms),
        admission=admission,
        micro_batcher=micro_batcher,
        large_batches=LargeBatches(settings),
        batch_pool=ThreadPoolExecutor(max_workers=2, thread_name_prefix="batch"),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    if services.settings.prediction_log:
        services.prediction_log.start()
    if services.worker_metrics is not None:
        await services.worker_metrics.start()
    await services.model_store.start()
    gc.collect()
    gc.freeze()  # excludes all objects of the start from full collections, which would pause for 20 ms and more
    yield
    gc.unfreeze()
    if services.worker_metrics is not None:
        await services.worker_metrics.stop()
    await services.model_store.stop()
    await asyncio.to_thread(services.prediction_log.stop)
    services.batch_pool.shutdown(wait=False, cancel_futures=True)
    services.large_batches.stop()
    services.patient_history.stop()
    services.feedback_store.stop()
