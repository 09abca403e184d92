"""What becomes of the answers when the model is not told everything."""

import logging
from collections.abc import Iterator
from typing import Final

import pandas as pd

from ml.evaluation.bootstrap import evaluate
from ml.evaluation.metrics import METRICS, calibration_error, ece_floor
from ml.features.masking import keep_only, mask_fields, mask_groups
from ml.report.analysis.sampling import SEED, of_some_patients
from ml.report.findings import Judged, Robustness
from ml.report.formatting import percent
from ml.schema import FEATURES, Group

log = logging.getLogger(__name__)

ROWS: Final = 10_000
"""Encounters that are asked about, a dozen times over."""
SHARES: Final = (0.0, 0.25, 0.50, 0.75, 0.90)
DOCUMENTED: Final = ("race", "gender", "age")
"""The fields of the request that the documentation shows."""


def robustness(judged: Judged, samples: int) -> tuple[tuple[Robustness, ...], int]:
    """The model with fields hidden at random, with only a few known, and with each group of fields unknown.

    Unless everything is known, earlier stays are not.

    Args:
        judged: the answers for the test patients.
        samples: bootstrap replicates.

    Returns:
        The settings, and on how many encounters they were measured.
    """
    part = of_some_patients(judged, ROWS)
    log.info("Mask fields on %s encounters", f"{len(part.labels):,}")
    rows = [_asked(part, label, hidden, table, samples) for label, hidden, table in _tables(part.table)]
    return tuple(rows), len(part.labels)


def _tables(table: pd.DataFrame) -> Iterator[tuple[str, float | None, pd.DataFrame]]:
    yield "Everything", None, table
    for share in SHARES:
        label = f"{percent(1 - share, 0)} of the fields, at random" if share else "All fields, but no earlier stays"
        yield label, share, mask_fields(table, share, SEED)
    yield "Only race, gender and age", None, keep_only(table, DOCUMENTED)
    for group in Group:
        if any(column.group is group for column in FEATURES):
            yield f"All but {group.value.lower()}", None, mask_groups(table, (group,))


def _asked(part: Judged, label: str, hidden: float | None, table: pd.DataFrame, samples: int) -> Robustness:
    risks = part.answers(table)
    figures = evaluate(part.labels, risks, part.patients, samples, metrics={"auroc": METRICS["auroc"]})
    return Robustness(
        label=label,
        hidden=hidden,
        auroc=figures["auroc"],
        ece=calibration_error(part.labels, risks),
        ece_floor=ece_floor(risks, SEED, draws=100),
        predicted=float(risks.mean()),
        observed=float(part.labels.mean()),
    )
