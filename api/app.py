"""The application: the composition root, where every part is built and handed down."""

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
from api.errors import install_handlers
from api.models.cache import ModelCache
from api.models.registry_client import RegistryClient
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
from api.storage.feedback import Feedback
from api.storage.patient_history import History
from api.storage.prediction_log import PredictionLog
from api.telemetry import logs
from api.telemetry.metrics import Metrics
from api.telemetry.worker_metrics import Workers
from api.transport.access import Guard
from api.transport.middleware import Admit, Observe
from api.transport.openapi import document_of
from ml.core.errors import SettingsError
from ml.core.pseudonyms import Pseudonyms

DESCRIPTION = """
Calibrated probabilities that a patient with diabetes is readmitted within 30 days of discharge.
Fields are those of the data set *Diabetes 130-US Hospitals*; any subset of them will do.
Every error is a problem document (RFC 9457); every answer carries its `X-Request-ID`.
"""

TURN_SECONDS: Final = 0.0003
"""How long a thread may keep the event loop waiting for the interpreter's lock; Python's own 5 ms are many requests."""


def create_app(settings: ApiSettings | None = None) -> FastAPI:
    """Build the service: ``uvicorn --factory api.app:create_app``.

    Needs neither MLflow nor PostgreSQL to be there: without a model it says so, without a log it counts.
    """
    try:
        settings = settings or ApiSettings.load()
        guard = Guard.of(settings)
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
            Middleware(Observe, metrics=services.metrics),
            Middleware(
                Admit,
                load=services.load,
                max_bytes=settings.max_body_bytes,
                seconds=settings.body_timeout_seconds,
            ),
        ],
    )
    app.state.services = services
    app.openapi = partial(document_of, app, settings.max_records, guard)  # type: ignore[method-assign]
    install_handlers(app)
    for routes in (predict, predict_csv, explain, feedback, model, mlflow_scoring, open_inference, status, index, docs):
        app.include_router(routes.router)
    guard.install(app)
    return app


def _build(settings: ApiSettings) -> Services:
    registry = RegistryClient(settings.mlflow_tracking_uri)
    cache = ModelCache(settings.api_cache_dir)
    store = ModelStore(registry, cache, settings.model_poll_seconds, settings.model_trial_seconds, settings.ort_threads)
    pseudonyms = Pseudonyms.from_settings(settings)
    log = PredictionLog.of(settings, pseudonyms)
    load = Admission.of(settings)
    together, metrics = MicroBatcher(), Metrics()
    metrics.watch(store, log, load, together)
    pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="batch")
    history, outcomes = History.of(settings), Feedback.of(settings, pseudonyms)
    large = LargeBatches(settings)
    workers = Workers(metrics.registry) if settings.api_workers > 1 else None
    return Services(settings, metrics, store, log, history, outcomes, pseudonyms, load, together, large, pool, workers)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    sys.setswitchinterval(TURN_SECONDS)
    if services.settings.prediction_log:
        services.log.start()
    if services.workers is not None:
        await services.workers.start()
    await services.store.start()
    gc.collect()
    gc.freeze()  # what is there now stays: without it, a full collection looks through all of it, for 20 ms and more
    yield
    gc.unfreeze()
    if services.workers is not None:
        await services.workers.stop()
    await services.store.stop()
    await asyncio.to_thread(services.log.stop)
    services.batch_pool.shutdown(wait=False, cancel_futures=True)
    services.large_batches.stop()
    services.history.stop()
    services.feedback.stop()
