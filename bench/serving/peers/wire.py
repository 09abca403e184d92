"""The wire: our application with one more route, which checks the same body and says the same each time.

It is declared as FastAPI's own documentation does it. Middlewares, server and event loop are ours. A second route does
the same and calls the graph once, on arrays that are ready: what each answer costs at least where requests are scored
one by one, whoever serves them.
"""

import os
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Response

from api.app import create_app as create_ours
from api.contract.requests import PredictRequest
from bench.serving.model import BUNDLE
from ml.core.bundle import encode, load_bundle
from ml.schema import EXAMPLE_RECORD

_ANSWER: Final = (
    b'{"predictions":[0.11823],"known_fields":[47],"reliability":[0.678],"history":["none"],'
    b'"model":{"name":"diabetes-readmission","version":"1","data_source":"real"},'
    b'"request_id":"5f0c9d0a4a6e4d0f8d0d4f6f2d3f7a11"}'
)


def create_app() -> FastAPI:
    """Ours, with ``POST /wire`` and ``POST /wire-and-graph``."""
    app = create_ours()
    bundle = load_bundle(Path(os.environ["BENCH_FOLDER"]) / BUNDLE)
    arrays = encode([EXAMPLE_RECORD])

    @app.post("/wire")
    async def wire(body: PredictRequest) -> Response:  # noqa: ARG001 -- it is checked, that is all
        return Response(_ANSWER, media_type="application/json")

    @app.post("/wire-and-graph")
    async def wire_and_graph(body: PredictRequest) -> Response:
        bundle.run(arrays)
        return await wire(body)

    routes = app.router.routes
    routes[:] = [*routes[-2:], *routes[:-2]]  # found at once, like /predict
    return app
