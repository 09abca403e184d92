"""GET /health, /ready, /metrics."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.contract.responses import Status
from api.services import ServicesDep
from api.transport.openapi import STATUS, problem_responses

router = APIRouter(tags=[STATUS])


@router.get("/health", summary="Whether the process is alive")
async def get_health() -> Status:
    """Liveness: independent of the model, MLflow and PostgreSQL."""
    return Status(status="ok")


@router.get("/ready", summary="Whether a model is loaded", responses=problem_responses(503))
async def get_readiness(services: ServicesDep) -> Status:
    """Readiness: a model is loaded and has passed its checks."""
    services.model_store.require()
    return Status(status="ready")


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def get_metrics(services: ServicesDep) -> Response:
    """All metrics, in Prometheus' text format."""
    workers = services.worker_metrics
    text = await workers.collect() if workers else generate_latest(services.metrics.registry)
    return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})
