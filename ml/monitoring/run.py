"""A monitoring run: tests the window for drift, measures quality, and stores both with a report in MLflow."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import sqlalchemy as sa

from ml.core.errors import NoDataError, RegistryError
from ml.core.names import MONITORING_EXPERIMENT, PRODUCTION
from ml.core.sandbox.process import sandboxed
from ml.core.settings import MlSettings
from ml.monitoring.drift import MIN_RECORDS, Comparison, Kind, State, overall_state, run_tests
from ml.monitoring.findings import MonitoringRun, save_details, save_run
from ml.monitoring.quality import measure_quality
from ml.monitoring.reference import SCORE, ScoreReference, ValueReference
from ml.monitoring.report import page
from ml.monitoring.window import Window, read_window
from ml.registry.client import ModelVersion, Registry
from ml.warehouse.datasets import Dataset, read

log = logging.getLogger(__name__)

PAGE_FILE: Final = "drift.html"


def monitor(settings: MlSettings, engine: sa.Engine, registry: Registry) -> MonitoringRun:
    """Run all steps of ``monitor_diabetes``.

    Raises:
        NoDataError: nothing has been ingested, or no version is in production.
        RegistryError, WarehouseError: a service cannot be reached.
    """
    run = detect_drift(settings, engine, registry)
    measure_quality(engine, run.run_id, settings)
    return run


def detect_drift(settings: MlSettings, engine: sa.Engine, registry: Registry) -> MonitoringRun:
    """Compare recent predictions with the references of the production version, save the findings, and report them.

    The findings are in PostgreSQL before the report goes to MLflow. A report that cannot be stored becomes a note.

    Raises:
        BundleError: the bundle of the production version is invalid.
        NoDataError: nothing has been ingested, or no version is in production.
        RegistryError, WarehouseError: a service cannot be reached.
    """
    version = registry.version_by_alias(PRODUCTION)
    if version is None:
        raise NoDataError("No version is in production to be monitored: run train_models_diabetes_simple.")
    dataset = read(engine)
    window = read_window(engine, settings.monitor_window_days, settings.monitor_most_records)
    log.info("Comparing %s predictions with %s training encounters", f"{len(window):,}", f"{len(dataset.train):,}")
    comparisons = [*ValueReference(dataset.train).compare(window), _compare_scores(registry, version, dataset, window)]
    findings = run_tests(comparisons)
    state = overall_state(finding.state for finding in findings)
    notes = list(_notes(version, dataset, window, state))
    run = MonitoringRun(
        run_id=0,
        model_version=version.number,
        reference_data_version=dataset.version.data_version,
        window_start=window.start,
        window_end=window.end,
        predictions=len(window),
        state=state,
        findings=findings,
        details={"notes": notes},
    )
    log.info("%s: %s tests, %s in drift", run.state, len(findings), len(run.drifted))
    run = save_run(engine, run)
    try:
        details = {"notes": notes, "mlflow_run": _log_report(registry, run, comparisons)}
    except RegistryError as error:
        log.warning("The findings are saved, and their report is not in MLflow. %s", error)
        details = {"notes": [*notes, f"The report is not in MLflow. {error}"]}
    save_details(engine, run.run_id, details)
    return replace(run, details=details)


def _compare_scores(registry: Registry, version: ModelVersion, dataset: Dataset, window: Window) -> Comparison:
    """Compare the scores of the production version only; other versions score differently."""
    scored = window.of_version(version.number)
    if len(scored) < MIN_RECORDS:  # saves the download
        return Comparison.untestable(Kind.SCORE, SCORE, len(scored))
    with registry.download(version.number) as directory, sandboxed(directory) as bundle:
        return ScoreReference(bundle, dataset.test).compare(scored)


def _notes(version: ModelVersion, dataset: Dataset, window: Window, state: State) -> Iterator[str]:
    others = len(window) - len(window.of_version(version.number))
    if others:
        yield f"{others:,} predictions of other versions count for values and known fields, not for scores."
    if version.tags.get("data_version") != dataset.version.data_version:
        yield "The training data are newer than the production version; the newer data are the reference."
    elif state is State.DRIFT:
        yield "The production version has seen all training data: only newer encounters can answer the drift."
    if len(window) < MIN_RECORDS:
        yield f"At least {MIN_RECORDS} predictions are needed for a test."


def _log_report(registry: Registry, run: MonitoringRun, comparisons: Sequence[Comparison]) -> str:
    tags = {"model_version": run.model_version, "data_version": run.reference_data_version, "state": run.state}
    states = {f"tests_{state}": float(sum(one.state is state for one in run.findings)) for state in State}
    distances = {f"{one.kind}.{one.feature}": one.distance for one in run.findings if one.distance is not None}
    with registry.run(f"{run.window_end:%Y-%m-%d %H:%M}", tags, MONITORING_EXPERIMENT) as mlflow_run:
        registry.log_results({}, {"predictions": run.predictions, **states, **distances})
        registry.log_text(page(run, comparisons), PAGE_FILE)
    return mlflow_run
