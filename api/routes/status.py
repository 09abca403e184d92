"""GET /health, /ready, /metrics."""

from typing import Annotated

from fastapi import APIRouter, Header, Response
from prometheus_client.exposition import choose_encoder

from api.contract.responses import Status
from api.services import ServicesDep
from api.transport.openapi import STATUS, problem_responses

router = APIRouter(tags=[STATUS])

_FORMATS = ("text/plain", "application/openmetrics-text")


@router.get("/health", summary="Whether the process is alive")
async def get_health() -> Status:
    """Liveness: independent of the model, MLflow and PostgreSQL."""
    return Status(status="ok")


@router.get("/ready", summary="Whether a model is loaded", responses=problem_responses(503))
async def get_readiness(services: ServicesDep) -> Status:
    """Readiness: a model is loaded and has passed its checks, and the service is not about to stop."""
    services.require_readiness()
    return Status(status="ready")


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {media_type: {"schema": {"type": "string"}} for media_type in _FORMATS}}},
)
async def get_metrics(
    services: ServicesDep, accept: Annotated[str, Header(include_in_schema=False)] = "text/plain"
) -> Response:
    """All metrics, in Prometheus' text format, or as OpenMetrics if the request accepts it."""
    encode, content_type = choose_encoder(accept)
    workers = services.worker_metrics
    text = await workers.collect(encode) if workers else encode(services.metrics.registry)
    return Response(text, headers={"content-type": content_type})
