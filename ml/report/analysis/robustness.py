"""Robustness to missing fields: metrics of the same encounters with fields masked."""

import logging
from collections.abc import Iterator
from typing import Final

import pandas as pd

from ml.evaluation.bootstrap import evaluate
from ml.evaluation.metrics import METRICS, calibration_error, ece_floor
from ml.features.masking import keep_only, mask_fields, mask_groups
from ml.report.analysis.scored_test_set import SEED, ScoredTestSet
from ml.report.findings import Robustness
from ml.report.formatting import percent
from ml.schema import FEATURES, Group

log = logging.getLogger(__name__)

ROWS: Final = 10_000
_SHARES: Final = (0.0, 0.25, 0.50, 0.75, 0.90)
KNOWN: Final = ("Everything", "All fields, but no earlier stays", "Only race, gender and age")
"""Labels of fixed sets of known fields."""


def robustness(scored: ScoredTestSet, samples: int) -> tuple[tuple[Robustness, ...], int]:
    """Metrics with fields masked at random, with three fields known, and with each group of fields masked.

    The history is masked too, unless everything is known. The second value is the number of encounters used.
    """
    part = scored.sample_patients(ROWS)
    log.info("Masked fields on %s encounters", f"{len(part.labels):,}")
    rows = [_evaluated(part, label, hidden, table, samples) for label, hidden, table in _tables(part.table)]
    return tuple(rows), len(part.labels)


def _tables(table: pd.DataFrame) -> Iterator[tuple[str, float | None, pd.DataFrame]]:
    everything, no_history, three = KNOWN
    yield everything, None, table
    for share in _SHARES:
        label = f"{percent(1 - share, 0)} of the fields, at random" if share else no_history
        yield label, share, mask_fields(table, share, SEED)
    yield three, None, keep_only(table, ("race", "gender", "age"))
    for group in Group:
        if any(column.group is group for column in FEATURES):
            yield f"All but {group.value.lower()}", None, mask_groups(table, (group,))


def _evaluated(part: ScoredTestSet, label: str, hidden: float | None, table: pd.DataFrame, samples: int) -> Robustness:
    risks = part.predict(table)
    metrics = evaluate(part.labels, risks, part.patients, samples, metrics={"auroc": METRICS["auroc"]})
    return Robustness(
        label=label,
        hidden=hidden,
        auroc=metrics["auroc"],
        ece=calibration_error(part.labels, risks),
        ece_floor=ece_floor(risks, SEED, draws=100),
        predicted=float(risks.mean()),
        observed=float(part.labels.mean()),
    )
