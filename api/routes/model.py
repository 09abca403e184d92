"""GET /model: what answers, and what the registry says."""

from fastapi import APIRouter

from api.contract.responses import ModelDescription, Refusal, RegistryStatus
from api.services import Parts
from api.transport.openapi import problems

router = APIRouter()


@router.get("/model", summary="The model that answers", tags=["Model"], responses=problems(503))
async def describe_model(parts: Parts) -> ModelDescription:
    """Name, version, figures on the test patients, what reliability and range rest on, and the registry's state."""
    model, store = parts.store.require(), parts.store
    manifest, curve, state = model.bundle.manifest, model.bundle.reliability_curve, store.registry_state
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
            "registry": RegistryStatus(
                reachable=state.reachable,
                version=state.version,
                checked_at=state.checked_at,
                since=state.since,
                error=state.error,
            ),
            "refused": Refusal.model_validate(store.refused.as_json()) if store.refused else None,
        }
    )
