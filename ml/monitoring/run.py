"""A run of the monitoring: compare the window with its references, measure what came true, tell it, and keep it."""

import logging
from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa

from ml.core.bundle import load_bundle
from ml.core.errors import NoDataError
from ml.core.names import MONITORING_EXPERIMENT, PRODUCTION
from ml.core.settings import MlSettings
from ml.monitoring.drift import FEWEST, Comparison, Kind, State, judge, overall
from ml.monitoring.findings import Monitored, write
from ml.monitoring.quality import realise
from ml.monitoring.reference import SCORE, ScoreReference, ValueReference
from ml.monitoring.report import page
from ml.monitoring.window import Window, read_window
from ml.registry.client import ModelVersion, Registry
from ml.warehouse.datasets import Dataset, read

log = logging.getLogger(__name__)

PAGE_FILE: Final = "drift.html"


def monitor(settings: MlSettings, engine: sa.Engine, registry: Registry) -> Monitored:
    """All that ``monitor_diabetes`` does in its tasks, one after the other.

    Raises:
        NoDataError: nothing has been ingested, or no version is in production.
        RegistryError, WarehouseError: a service cannot be reached.
    """
    found = detect_drift(settings, engine, registry)
    realise(engine, found.run_id, settings)
    return found


def detect_drift(settings: MlSettings, engine: sa.Engine, registry: Registry) -> Monitored:
    """Compare what was asked of late with what the model in production was made of, and keep what is found.

    Raises:
        BundleError: the bundle in production is not sound.
        NoDataError: nothing has been ingested, or no version is in production.
        RegistryError, WarehouseError: a service cannot be reached.
    """
    version = registry.version_by_alias(PRODUCTION)
    if version is None:
        raise NoDataError(
            "No version is in production, so there is nothing to watch: run train_models_diabetes_simple."
        )
    dataset = read(engine)
    window = read_window(engine, settings.monitor_window_days, settings.monitor_most_records)
    log.info("Comparing %s predictions with %s training encounters", f"{len(window):,}", f"{len(dataset.train):,}")
    comparisons = [*ValueReference(dataset.train).compare(window), _compare_scores(registry, version, dataset, window)]
    found = _summary(version, dataset, window, comparisons)
    log.info("%s: %s tests, %s in drift", found.state, len(found.findings), len(found.drifted))
    return write(engine, _with_report(registry, found, comparisons))


def _compare_scores(registry: Registry, version: ModelVersion, dataset: Dataset, window: Window) -> Comparison:
    """The answers of the version in production; those of others were made by other rules."""
    answered = window.of_version(version.number)
    if len(answered) < FEWEST:  # no need to ask the model
        return Comparison.of_too_few(Kind.SCORE, SCORE, len(answered))
    with registry.download(version.number) as directory:
        return ScoreReference(load_bundle(directory), dataset.test).compare(answered)


def _summary(version: ModelVersion, dataset: Dataset, window: Window, comparisons: list[Comparison]) -> Monitored:
    findings = judge(comparisons)
    return Monitored(
        run_id=0,
        model_version=version.number,
        reference_data_version=dataset.version.data_version,
        window_start=window.start,
        window_end=window.end,
        predictions=len(window),
        state=overall(finding.state for finding in findings),
        findings=findings,
        details={"notes": list(_notes(version, dataset, window))},
    )


def _notes(version: ModelVersion, dataset: Dataset, window: Window) -> Iterator[str]:
    others = len(window) - len(window.of_version(version.number))
    if others:
        yield f"{others:,} predictions of other versions count for values and known fields, not for the answers."
    if version.tags.get("data_version") != dataset.version.data_version:
        yield "The training data were renewed after the version in production was trained; the newer are compared with."
    if len(window) < FEWEST:
        yield f"With fewer than {FEWEST} predictions nothing can be said."


def _with_report(registry: Registry, found: Monitored, comparisons: list[Comparison]) -> Monitored:
    """The same, with a run in MLflow that holds the page and the counts."""
    tags = {"model_version": found.model_version, "data_version": found.reference_data_version, "state": found.state}
    states = {f"tests_{state}": float(sum(one.state is state for one in found.findings)) for state in State}
    distances = {f"{one.kind}.{one.feature}": one.distance for one in found.findings if one.distance is not None}
    with registry.run(f"{found.window_end:%Y-%m-%d %H:%M}", tags, MONITORING_EXPERIMENT) as run:
        registry.log_results({}, {"predictions": found.predictions, **states, **distances}, {})
        registry.log_text(page(found, comparisons), PAGE_FILE)
    return found.with_details(mlflow_run=run)
