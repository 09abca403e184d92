"""The application: settings, services, middleware, routes and access control."""

import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from fastapi import FastAPI
from starlette.middleware import Middleware

from api.routes import (
    docs,
    explain,
    feedback,
    index,
    mlflow_scoring,
    model,
    monitoring,
    open_inference,
    policy,
    predict,
    predict_csv,
    status,
)
from api.services import Services
from api.settings import ApiSettings
from api.telemetry import logs
from api.transport.access import AccessControl
from api.transport.content_encoding import CompressionMiddleware
from api.transport.cors import install_cors
from api.transport.error_responses import install_error_handlers
from api.transport.middleware import AdmissionMiddleware, ObservabilityMiddleware, SendTimeoutMiddleware
from api.transport.openapi_document import openapi_document
from api.transport.routing import install_routing
from ml.core.errors import SettingsError

DESCRIPTION = """
Calibrated probabilities that a patient with diabetes is readmitted within 30 days of discharge.
The fields are those of the data set *Diabetes 130-US Hospitals*; a record may have any subset of them.
Errors are problem documents (RFC 9457); every response has an `X-Request-ID`.
"""

SWITCH_INTERVAL_SECONDS: Final = 0.0003
"""How long a thread may keep the interpreter lock from the event loop; Python's default of 5 ms is many requests."""


def create_app(settings: ApiSettings | None = None) -> FastAPI:
    """Build the service, which ``python -m api`` serves.

    It starts without MLflow and without PostgreSQL: until there is a model, predictions fail with 503.
    """
    try:
        settings = settings or ApiSettings.load()
        access = AccessControl(settings)
        logs.configure()
        services = Services(settings)
    except SettingsError as error:
        sys.exit(str(error))
    app = FastAPI(
        title="Readmission risk",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,  # the function's: what clients call the operation
        root_path=settings.root_path,
        lifespan=_lifespan,
        middleware=[
            Middleware(ObservabilityMiddleware, metrics=services.metrics),
            Middleware(SendTimeoutMiddleware),
            Middleware(CompressionMiddleware),
            Middleware(AdmissionMiddleware, admission=services.admission, settings=settings),
        ],
    )
    app.state.services = services
    app.openapi = partial(openapi_document, app, settings.max_records, access)  # type: ignore[method-assign]
    install_error_handlers(app)
    for routes in (
        predict,
        predict_csv,
        explain,
        feedback,
        model,
        monitoring,
        policy,
        mlflow_scoring,
        open_inference,
        status,
        index,
        docs,
    ):
        app.include_router(routes.router)
    install_routing(app)
    access.install(app)
    install_cors(app, settings.cors_origins)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    await services.start()
    gc.collect()
    gc.freeze()  # excludes all objects of the start from full collections, which would pause for 20 ms and more
    yield
    gc.unfreeze()
    await services.stop()
