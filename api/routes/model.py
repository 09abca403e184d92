"""GET /model: the served model and the state of the registry."""

from dataclasses import asdict

from fastapi import APIRouter

from api.contract.responses import ModelDescription
from api.models.store import ServedModel
from api.services import ServicesDep
from api.transport.openapi import MODEL, problem_responses
from ml.core.build import build_info

router = APIRouter()


@router.get("/model", summary="The served model", tags=[MODEL], responses=problem_responses(503))
async def get_model(services: ServicesDep) -> ModelDescription:
    """Name, version, metrics on the test patients, the data behind reliability and range, and the registry's state."""
    store = services.model_store
    model, state, rejected = store.require(), store.registry_state, store.rejected
    manifest, curve = model.bundle.manifest, model.bundle.reliability_curve
    return ModelDescription.model_validate(
        {
            "name": model.registered.name,
            "version": model.registered.version,
            "algorithm": manifest.algorithm,
            "data_source": manifest.provenance,
            "data_version": manifest.data_version,
            "trained_at": manifest.trained_at,
            "metrics": manifest.metrics,
            "prevalence": manifest.prevalence,
            "risk_quantiles": list(manifest.risk_quantiles),
            "completeness": {
                "weights": curve.weights,
                "information": list(curve.information),
                "auroc_without_history": list(curve.auroc[0]),
                "auroc_with_history": list(curve.auroc[1]),
            },
            "interval_coverage": curve.coverage,
            "loaded_at": model.loaded_at,
            "approval": _approval(model),
            "registry": {
                name: getattr(state, name) for name in ("reachable", "version", "checked_at", "since", "error")
            },
            "refused": rejected
            and {"version": rejected.registered.version, "reason": rejected.reason, "at": rejected.at},
            "build": asdict(build_info()),
        }
    )


def _approval(model: ServedModel) -> dict[str, str | int | bool]:
    approval = model.approval.approval
    return {
        "approved_by": approval.actor,
        "approved_at": approval.approved_at,
        "action": approval.action,
        "sequence": approval.sequence,
        "key_id": model.approval.key_id,
        "moved_by_hand": model.moved_by_hand,
    }
