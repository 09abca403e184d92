"""The application: the composition root, where every part is built and handed down."""

import asyncio
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from starlette.middleware import Middleware

from api import logs
from api.errors import install_handlers
from api.history import History
from api.metrics import Metrics
from api.middleware import LimitBody, Observe
from api.model_cache import ModelCache
from api.model_store import ModelStore
from api.openapi import document_of
from api.prediction_log import PredictionLog
from api.registry_client import RegistryClient
from api.routes import docs, explain, model, predict, status
from api.services import Services
from api.settings import ApiSettings
from ml.errors import SettingsError

DESCRIPTION = """
Calibrated probabilities that a patient with diabetes is readmitted within 30 days of discharge.
Fields are those of the data set *Diabetes 130-US Hospitals*; any subset of them will do.
Every error is a problem document (RFC 9457); every answer carries its `X-Request-ID`.
"""


def create_app(settings: ApiSettings | None = None) -> FastAPI:
    """Build the service: ``uvicorn --factory api.app:create_app``.

    Needs neither MLflow nor PostgreSQL to be there: without a model it says so, without a log it counts.
    """
    try:
        settings = settings or ApiSettings.load()
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
            Middleware(LimitBody, max_bytes=settings.max_body_bytes),
        ],
    )
    app.state.services = services
    app.openapi = partial(document_of, app, settings.max_records)  # type: ignore[method-assign]
    install_handlers(app)
    for routes in (predict, explain, model, status, docs):
        app.include_router(routes.router)
    return app


def _build(settings: ApiSettings) -> Services:
    registry = RegistryClient(settings.mlflow_tracking_uri)
    cache = ModelCache(settings.api_cache_dir)
    store = ModelStore(registry, cache, settings.model_poll_seconds, settings.ort_threads)
    log = PredictionLog.of(settings)
    metrics = Metrics()
    metrics.watch(store, log)
    pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="batch")
    return Services(settings, metrics, store, log, History.of(settings), pool)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    if services.settings.prediction_log:
        services.log.start()
    await services.store.start()
    yield
    await services.store.stop()
    await asyncio.to_thread(services.log.stop)
    services.batch_pool.shutdown(wait=False, cancel_futures=True)
    services.history.stop()
