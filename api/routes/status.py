"""GET /health, /ready, /metrics."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.contract.responses import Status
from api.services import Parts
from api.transport.openapi import problems

router = APIRouter(tags=["Status"])


@router.get("/health", summary="The process answers")
async def health() -> Status:
    """Liveness: says nothing about the model, MLflow or PostgreSQL."""
    return Status(status="ok")


@router.get("/ready", summary="A model answers", responses=problems(503))
async def ready(parts: Parts) -> Status:
    """Readiness: a model is loaded and has passed its checks."""
    parts.store.require()
    return Status(status="ready")


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(parts: Parts) -> Response:
    """All metrics, in Prometheus' text format."""
    text = await parts.workers.metrics() if parts.workers else generate_latest(parts.metrics.registry)
    return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})
