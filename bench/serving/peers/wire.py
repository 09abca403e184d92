"""The wire: our application with routes that validate the body and return a constant.

The difference to ``/predict`` is the cost of scoring; middlewares, server and event loop are the same. A second route
also runs the graph once, on encoded arrays: the least cost of scoring requests one by one.
"""

import os
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Response

from api.app import create_app as create_service
from api.contract.requests import PredictRequest
from bench.serving.model import BUNDLE
from ml.core.bundle import encode, load_bundle
from ml.schema import EXAMPLE_RECORD

_BODY: Final = (
    b'{"predictions":[0.11823],"known_fields":[47],"reliability":[0.678],"history":["none"],'
    b'"model":{"name":"diabetes-readmission","version":"1","data_source":"real"},'
    b'"request_id":"5f0c9d0a4a6e4d0f8d0d4f6f2d3f7a11"}'
)


def create_app() -> FastAPI:
    """Our application with ``POST /wire`` and ``POST /wire-and-graph``."""
    app = create_service()
    bundle = load_bundle(Path(os.environ["BENCH_FOLDER"]) / BUNDLE)
    arrays = encode([EXAMPLE_RECORD])

    @app.post("/wire")
    async def wire(body: PredictRequest) -> Response:  # noqa: ARG001 -- only validated
        return Response(_BODY, media_type="application/json")

    @app.post("/wire-and-graph")
    async def wire_and_graph(body: PredictRequest) -> Response:
        bundle.run(arrays)
        return await wire(body)

    routes = app.router.routes
    routes[:] = [*routes[-2:], *routes[:-2]]  # matched first, like /predict
    return app
