"""Measuring a version: from its answers for the test patients to the findings of its report."""

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
from ml.report.analysis.sampling import SEED
from ml.report.analysis.subgroups import subgroups
from ml.report.findings import Answers, Findings, Judged, Provenance
from ml.schema import FEATURE_NAMES

log = logging.getLogger(__name__)


def score_test_patients(answers: Answers, train: pd.DataFrame, test: pd.DataFrame) -> Judged:
    """Ask a model for the test patients, and the LACE proxy beside it.

    Args:
        answers: of the model.
        train: encounters to turn the points of LACE into risks with.
        test: encounters to judge on.
    """
    reference = BASELINES["lace"].fit(train)(test)
    return Judged(test, target(test), answers(test), patients(test), reference, answers)


def analyse(
    judged: Judged,
    train: pd.DataFrame,
    provenance: Provenance,
    metrics: Mapping[str, Mapping[str, float]] | None = None,
) -> Findings:
    """Measure everything that the report says. Less than a minute for the genuine data on two cores.

    Args:
        judged: the answers for the test patients.
        train: the encounters that the model was fitted on, to describe them.
        provenance: what the version was made from; it says how many bootstrap replicates to draw.
        metrics: figures that are known already, by :func:`ml.evaluation.bootstrap.evaluate` with as many replicates.
    """
    started, samples = perf_counter(), provenance.samples
    known = {name: dict(figure) for name, figure in (metrics or {}).items()}
    left = {name: metric for name, metric in ALL_METRICS.items() if name not in known}
    log.info("Report: figures and curves of %s encounters", f"{len(judged.labels):,}")
    figures = known | evaluate(judged.labels, judged.probabilities, judged.patients, samples, metrics=left)
    reference = evaluate(judged.labels, judged.reference, judged.patients, samples, metrics=ALL_METRICS)
    unknown = judged.answers(keep_only(judged.table, FEATURE_NAMES))
    without = evaluate(judged.labels, unknown, judged.patients, samples, metrics=ALL_METRICS)
    drawn = curves(judged, samples)
    log.info("Report: subgroups")
    parts = subgroups(judged, samples)
    groups, fields, importance_rows = importance(judged, samples)
    hidden, robustness_rows = robustness(judged, samples)
    findings = Findings(
        provenance=provenance,
        characteristics=characteristics(train, judged.table),
        prevalence=float(judged.labels.mean()),
        metrics={name: figures[name] for name in ALL_METRICS},
        without_history=without,
        reference_metrics=reference,
        ece_floor=ece_floor(judged.probabilities, SEED),
        curves=drawn,
        subgroups=parts,
        group_importance=groups,
        field_importance=fields,
        importance_rows=importance_rows,
        robustness=hidden,
        robustness_rows=robustness_rows,
    )
    log.info("Report: measured in %.0f s", perf_counter() - started)
    return findings
