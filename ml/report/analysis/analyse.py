"""Analysis of a version: from its predictions for the test patients to the findings of its report."""

import logging
from collections.abc import Mapping
from time import perf_counter

import pandas as pd

from ml.evaluation.baselines import BASELINES
from ml.evaluation.bootstrap import evaluate
from ml.evaluation.metrics import ALL_METRICS, ece_floor
from ml.features.masking import keep_only
from ml.features.tables import patients, target
from ml.report.analysis.characteristics import characteristics
from ml.report.analysis.curves import curves
from ml.report.analysis.importance import importance
from ml.report.analysis.robustness import robustness
from ml.report.analysis.scored_test_set import SEED, Predict, ScoredTestSet
from ml.report.analysis.subgroups import subgroups
from ml.report.findings import Findings, Provenance
from ml.schema import FEATURE_NAMES

log = logging.getLogger(__name__)


def score_test_patients(predict: Predict, train: pd.DataFrame, test: pd.DataFrame) -> ScoredTestSet:
    """Predict for the test patients with the model, and with a LACE proxy calibrated on ``train``."""
    reference = BASELINES["lace"].fit(train)(test)
    return ScoredTestSet(test, target(test), predict(test), patients(test), reference, predict)


def analyse(
    scored: ScoredTestSet,
    train: pd.DataFrame,
    provenance: Provenance,
    metrics: Mapping[str, Mapping[str, float]] | None = None,
    totals: tuple[int, int] | None = None,
) -> Findings:
    """Compute all findings; takes less than a minute for the genuine data on two cores.

    ``provenance.samples`` is the number of bootstrap replicates. ``metrics`` are intervals computed earlier by
    :func:`ml.evaluation.bootstrap.evaluate` with as many replicates. ``totals`` are the training and test encounters of
    which ``train`` and the scored ones may be samples.
    """
    started, samples = perf_counter(), provenance.samples
    known = {name: dict(interval) for name, interval in (metrics or {}).items()}
    missing = {name: metric for name, metric in ALL_METRICS.items() if name not in known}
    log.info("Report: metrics and curves of %s encounters", f"{len(scored.labels):,}")
    computed = known | evaluate(scored.labels, scored.probabilities, scored.patients, samples, metrics=missing)
    without_history = scored.predict(keep_only(scored.table, FEATURE_NAMES))
    drawn = curves(scored, samples)
    log.info("Report: subgroups, importance, hidden fields")
    groups, fields, importance_rows = importance(scored, samples)
    masked, robustness_rows = robustness(scored, samples)
    findings = Findings(
        provenance=provenance,
        characteristics=characteristics(train, scored.table, totals),
        prevalence=float(scored.labels.mean()),
        metrics={name: computed[name] for name in ALL_METRICS},
        without_history=evaluate(scored.labels, without_history, scored.patients, samples, metrics=ALL_METRICS),
        reference_metrics=evaluate(scored.labels, scored.reference, scored.patients, samples, metrics=ALL_METRICS),
        ece_floor=ece_floor(scored.probabilities, SEED),
        curves=drawn,
        subgroups=subgroups(scored, samples),
        group_importance=groups,
        field_importance=fields,
        importance_rows=importance_rows,
        robustness=masked,
        robustness_rows=robustness_rows,
    )
    log.info("Report: analysed in %.0f s", perf_counter() - started)
    return findings
