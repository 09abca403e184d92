"""GET /monitoring: drift, realised quality and decisions of the gate, as PostgreSQL keeps them."""

from fastapi import APIRouter

from api.contract.monitoring import MonitoringResults
from api.services import ServicesDep
from api.transport.openapi import MODEL, problem_responses

router = APIRouter()


@router.get("/monitoring", summary="Drift, realised quality, decisions", tags=[MODEL], responses=problem_responses(503))
async def get_monitoring(services: ServicesDep) -> MonitoringResults:
    """Results of the newest run of `monitor_diabetes`, and the newest decisions of the gate.

    It needs PostgreSQL and no model. Prometheus has the same values over time where it is installed.
    """
    return MonitoringResults.model_validate(await services.monitoring_results.read())
