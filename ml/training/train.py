"""Training: from a data version and settings to a registered model version, once."""

import hashlib
import importlib.util
import json
import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from ml.core.bundle import Manifest
from ml.core.names import CHALLENGER
from ml.core.settings import MlSettings
from ml.evaluation.bootstrap import Interval, evaluate
from ml.evaluation.metrics import Values
from ml.evaluation.reliability_curve import estimate_reliability
from ml.features.tables import target
from ml.registry.client import ModelVersion, Registry
from ml.report.analysis.analyse import analyse, score_test_patients
from ml.report.analysis.scored_test_set import ScoredTestSet
from ml.report.card import description
from ml.report.findings import Findings, Provenance
from ml.report.formatting import with_interval
from ml.report.plots import plots
from ml.report.storage import log_report
from ml.training.export import probabilities, write_bundle
from ml.training.models import FAMILIES, RiskModel, fit
from ml.warehouse.connection import transaction
from ml.warehouse.datasets import Dataset, current_version, read

log = logging.getLogger(__name__)

_SHAPING_MODULES: Final = (
    "ml.schema",
    "ml.schema.columns",
    "ml.schema.codes",
    "ml.schema.history",
    "ml.core.history",
    "ml.features.icd9",
    "ml.features.tables",
    "ml.features.masking",
    "ml.features.encoder",
    "ml.training.models",
    "ml.training.onnx_graph",
    "ml.training.onnx_graph.encode",
    "ml.training.onnx_graph.nodes",
    "ml.training.onnx_graph.trees",
    "ml.training.export",
    "ml.core.bundle",
    "ml.data.split",
)
_SHAPING_LIBRARIES: Final = ("numpy", "onnx", "pandas", "scikit-learn", "xgboost-cpu")
"""What shapes a model: the text of these modules and the versions of these libraries are the code version."""


@dataclass(frozen=True, slots=True)
class Trained:
    """Outcome of a training. ``new`` is False when this data, code and settings had a version already."""

    version: str
    new: bool


def train(
    settings: MlSettings, engine: sa.Engine, registry: Registry, family: str, parameters: Mapping[str, Any]
) -> Trained:
    """Fit, evaluate, export and register a model as ``challenger``.

    Args:
        settings: of this service.
        engine: of the ``diabetes`` database.
        registry: receives run and version.
        family: a key of :data:`ml.training.models.FAMILIES`.
        parameters: over the family's defaults.

    Raises:
        NoDataError: nothing has been ingested.
        BundleError: the exported graph differs from the fitted model.
        RegistryError, WarehouseError: a service cannot be reached.
    """
    full = {**FAMILIES[family].defaults, **parameters}
    with transaction(engine) as connection:
        data_version = current_version(connection).data_version
    fingerprint = fingerprint_of(data_version, family, full)
    if (known := registry.find(fingerprint)) is not None:
        log.info("Nothing new: version %s has this data, code and settings", known.number)
        return Trained(known.number, new=False)
    dataset = read(engine)
    log.info("Fitting %s on %s encounters", FAMILIES[family].name, f"{len(dataset.train):,}")
    model = fit(family, full, dataset.train, settings.train_jobs)
    version = _register(settings, registry, model, dataset, family, full)
    return Trained(version.number, new=True)


def fingerprint_of(data_version: str, family: str, parameters: Mapping[str, Any]) -> str:
    """SHA-256 over data version, code version and settings: what decides whether a model would be the same."""
    parts = [data_version, code_version(), family, json.dumps(dict(parameters), sort_keys=True)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def code_version() -> str:
    """SHA-256 over the modules and library versions that shape a model; the same in a checkout and in an image."""
    digest = hashlib.sha256()
    for name in _SHAPING_MODULES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ImportError(f"no source of {name}")
        digest.update(Path(spec.origin).read_bytes())
    for library in _SHAPING_LIBRARIES:
        digest.update(f"{library} {metadata.version(library)}\n".encode())
    return digest.hexdigest()


def _register(
    settings: MlSettings,
    registry: Registry,
    model: RiskModel,
    dataset: Dataset,
    family: str,
    parameters: dict[str, Any],
) -> ModelVersion:
    log.info("Evaluating on %s test encounters", f"{len(dataset.test):,}")
    judged = score_test_patients(lambda table: probabilities(model, table), dataset.train, dataset.test)
    metrics = evaluate(judged.labels, judged.probabilities, judged.patients, settings.bootstrap_samples)
    log.info("%s", ", ".join(f"{name} {with_interval(value)}" for name, value in metrics.items()))
    tags = {
        "data_source": dataset.version.provenance,
        "data_version": dataset.version.data_version,
        "algorithm": FAMILIES[family].name,
        "code_version": code_version(),
        "fingerprint": fingerprint_of(dataset.version.data_version, family, parameters),
    }
    with registry.run(f"{family}-{dataset.version.data_version[:8]}", tags), tempfile.TemporaryDirectory() as scratch:
        registry.log_data(dataset.train, "train", dataset.version.source, dataset.version.data_version)
        registry.log_data(dataset.test, "test", dataset.version.source, dataset.version.data_version)
        log.info("Exporting to ONNX and proving parity")
        manifest = _manifest(tags, dataset, judged.probabilities, metrics)
        manifest["completeness"] = estimate_reliability(model.probabilities, dataset.test).to_json()
        bundle = write_bundle(model, dataset.test, manifest, Path(scratch))
        findings = _findings(settings, judged, dataset, bundle.manifest, tags["code_version"], family, parameters)
        registry.log_results({"family": family, **parameters}, _flat(findings.metrics), plots(findings))
        log_report(registry, findings)
        version = registry.register(Path(scratch), dataset.test.head(5), tags, description(findings))
    registry.point(CHALLENGER, version.number)
    log.info("Registered version %s as %s", version.number, CHALLENGER)
    return version


def _manifest(tags: dict[str, str], dataset: Dataset, risks: Values, metrics: dict[str, Interval]) -> dict[str, Any]:
    return {
        "algorithm": tags["algorithm"],
        "data_source": tags["data_source"],
        "data_version": tags["data_version"],
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "prevalence": float(target(dataset.train).mean()),
        "risk_quantiles": tuple(np.quantile(risks, np.linspace(0, 1, 101)).tolist()),
        "metrics": metrics,
    }


def _findings(
    settings: MlSettings,
    judged: ScoredTestSet,
    dataset: Dataset,
    manifest: Manifest,
    code: str,
    family: str,
    parameters: dict[str, Any],
) -> Findings:
    provenance = Provenance(
        algorithm=manifest.algorithm,
        family=family,
        parameters=parameters,
        data_source=manifest.data_source,
        delivered_by=dataset.version.source,
        data_version=manifest.data_version,
        code_version=code,
        trained_at=manifest.trained_at,
        samples=settings.bootstrap_samples,
    )
    return analyse(judged, dataset.train, provenance, manifest.metrics)


def _flat(metrics: Mapping[str, Interval]) -> dict[str, float]:
    """Metrics as MLflow wants them: ``auroc``, ``auroc_low``, ``auroc_high`` and so on."""
    return {
        name if end == "value" else f"{name}_{end}": number
        for name, interval in metrics.items()
        for end, number in interval.items()
    }
