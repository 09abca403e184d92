"""Our explanations beside TreeSHAP on the same trees: rank agreement, stability of the sample of orders, and time.

``python -m bench.explanations [FILE]`` fits the boosting model to the training patients of the genuine file, explains
encounters of test patients both ways, prints tables and writes ``bench/results/explanations.json``.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xgboost
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.machine import machine
from ml.core.bundle import Bundle
from ml.core.explain import ORDERS, Predictor, explain
from ml.core.reliability import EARLIER_STAYS
from ml.data.cohort import cohort_of_file
from ml.data.split import TEST_PERCENT, bucket
from ml.evaluation.reliability_curve import estimate_reliability
from ml.features.encoder import DIAGNOSES, DRUGS, PRESENT, UTILISATION, feature_names
from ml.features.records import to_records
from ml.features.tables import model_inputs, target, with_history
from ml.schema import EXAMPLE_RECORD, FEATURE_NAMES, HISTORY_NAMES, INPUTS, PATIENT_ID, Record
from ml.training.export import write_bundle
from ml.training.models import FAMILIES, GRADIENT_BOOSTING, RiskModel, fit

RESULT: Final = Path(__file__).parent / "results" / "explanations.json"
RECORDS: Final = 300
REPEATED: Final = 100
"""Records that are explained with two seeds, and timed."""
SEED: Final = 296
ORDERS_TRIED: Final = (8, 16, 32)
SIZES: Final = (3, 20, 47)
COUNTS: Final = 0.01
"""A field counts if TreeSHAP gives it more than these logits on average: 1 % of the odds."""
LIMIT_MS: Final = 30.0
"""Longest median time for a record of 47 known fields."""

_SHARED: Final = {"diagnoses": DIAGNOSES[:PRESENT], "utilisation": UTILISATION, "drugs": DRUGS}
"""Columns of the matrix that are made of several fields: the part before the colon to the fields."""
_GROUP_OF: Final = {column.name: column.group.value for column in INPUTS}


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of our contributions with TreeSHAP's: Spearman per record, and of the mean sizes over all records."""

    level: str
    parts: int
    scale: str
    median: float
    quartiles: tuple[float, float]
    overall: float
    largest: int
    largest_shared: float  # mean share of TreeSHAP's so many largest that are among our so many largest


@dataclass(frozen=True, slots=True)
class Cost:
    """What a number of orders gives and takes, on complete records."""

    orders: int
    seeds_agree: float  # median Spearman of the contributions by two seeds
    largest_shared: float  # mean share of the five largest that two seeds have in common
    error_points: float  # mean standard error of a contribution, percentage points of risk
    milliseconds: dict[int, float]  # known fields to median time


class Logits:
    """A bundle that answers in logits, the scale of TreeSHAP."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def predict(self, asked: Sequence[Record]) -> NDArray[np.float64]:
        """Logit of each answer."""
        chance = self._bundle.predict(asked).astype(np.float64)
        return np.asarray(np.log(chance / (1 - chance)), dtype=np.float64)


def main() -> None:
    """Measure, print and write the result; exit with 1 when the time limit is missed."""
    given = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("DATA_FILE")
    if not given:
        sys.exit("Name the genuine data set: python -m bench.explanations FILE, or set DATA_FILE.")
    cohort = cohort_of_file(Path(given))
    table = with_history(cohort.table)
    testing = table[PATIENT_ID].map(bucket) < TEST_PERCENT
    model = fit(GRADIENT_BOOSTING, {}, table[~testing], os.cpu_count() or 1)
    result = measure(model, table[testing], cohort.version)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    sys.exit(result["milliseconds"] > LIMIT_MS)


def measure(model: RiskModel, test: pd.DataFrame, data_version: str) -> dict[str, Any]:
    """Compare and time a fitted boosting model on test encounters, through a bundle as it is served."""
    sample = test.sample(RECORDS, random_state=SEED)
    with tempfile.TemporaryDirectory() as folder:
        bundle = _bundle(model, test.sample(2_000, random_state=SEED), data_version, Path(folder))
    agreements = list(_agreements(bundle, model, sample))
    costs = [_cost(bundle, to_records(sample.head(REPEATED)), orders) for orders in ORDERS_TRIED]
    Console().print(_agreement_table(agreements), _cost_table(costs))
    (chosen,) = (cost for cost in costs if cost.orders == ORDERS)
    return {
        "records": RECORDS,
        "orders": ORDERS,
        "milliseconds": chosen.milliseconds[SIZES[-1]],
        "limit_milliseconds": LIMIT_MS,
        "agreement_with_treeshap": [asdict(agreement) for agreement in agreements],
        "orders_tried": [asdict(cost) for cost in costs],
        "data_version": data_version,
        "machine": machine("numpy", "onnxruntime", "xgboost-cpu"),
    }


def _bundle(model: RiskModel, test: pd.DataFrame, data_version: str, directory: Path) -> Bundle:
    manifest = {
        "algorithm": FAMILIES[GRADIENT_BOOSTING].name,
        "data_source": "real",
        "data_version": data_version,
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "prevalence": float(target(test).mean()),
        "risk_quantiles": (),
        "metrics": {},
        "completeness": estimate_reliability(model.probabilities, test),
    }
    return write_bundle(model, test, manifest, directory)


def _agreements(bundle: Bundle, model: RiskModel, sample: pd.DataFrame) -> Iterator[Agreement]:
    scales: dict[str, Predictor] = {"probability": bundle, "logit": Logits(bundle)}
    for scale, predictor in scales.items():
        ours = _contributions(predictor, to_records(sample))
        theirs = _treeshap(model, sample, ours.notna())
        counting = ours.columns[theirs.abs().mean() > COUNTS]
        yield _agreement("field", scale, ours, theirs, largest=5)
        yield _agreement("counting field", scale, ours[counting], theirs[counting], largest=5)
        yield _agreement("group", scale, _by_group(ours), _by_group(theirs), largest=3)


def _contributions(predictor: Predictor, asked: Sequence[Record], orders: int = ORDERS, seed: int = 0) -> pd.DataFrame:
    """One row per record, one column per field, NaN where it is not known."""
    found = [explain(predictor, record, orders, seed).contributions for record in asked]
    return pd.DataFrame(found, columns=[*FEATURE_NAMES, EARLIER_STAYS], dtype="float64")


def _treeshap(model: RiskModel, sample: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """TreeSHAP by field, for the known ones; a column made of several fields counts for its known ones evenly."""
    matrix = xgboost.DMatrix(model.encoder.transform(model_inputs(sample)))
    by_column = model.estimator.get_booster().predict(matrix, pred_contribs=True)[:, :-1]
    found = known.astype("float64") * 0
    for number, column in enumerate(feature_names()):
        source = column.partition(":")[0]
        owners = [EARLIER_STAYS] if source in HISTORY_NAMES else list(_SHARED.get(source, (source,)))
        shares = known[owners].div(known[owners].sum(axis=1).clip(lower=1), axis=0)
        found[owners] += shares.mul(by_column[:, number], axis=0)
    return found.where(known)


def _by_group(contributions: pd.DataFrame) -> pd.DataFrame:
    return contributions.T.groupby(pd.Series(_GROUP_OF)).sum(min_count=1).T


def _agreement(level: str, scale: str, ours: pd.DataFrame, theirs: pd.DataFrame, largest: int) -> Agreement:
    ranks = ours.corrwith(theirs, axis=1, method="spearman")
    low, median, high = (round(float(ranks.quantile(share)), 3) for share in (0.25, 0.5, 0.75))
    overall = round(float(ours.abs().mean().corr(theirs.abs().mean(), method="spearman")), 3)
    shared = _shared_largest(ours, theirs, largest)
    return Agreement(level, ours.shape[1], scale, median, (low, high), overall, largest, shared)


def _shared_largest(one: pd.DataFrame, other: pd.DataFrame, largest: int) -> float:
    pairs = zip(one.iterrows(), other.iterrows(), strict=True)
    shared = [set(a.abs().nlargest(largest).index) & set(b.abs().nlargest(largest).index) for (_, a), (_, b) in pairs]
    return round(statistics.mean(len(names) for names in shared) / largest, 3)


def _cost(bundle: Bundle, asked: Sequence[Record], orders: int) -> Cost:
    one, other = (_contributions(bundle, asked, orders, seed) for seed in (0, 1))
    errors = [error for record in asked for error in explain(bundle, record, orders).errors.values()]
    complete: list[Record] = [{**EXAMPLE_RECORD, **record} for record in asked]
    return Cost(
        orders,
        round(float(one.corrwith(other, axis=1, method="spearman").median()), 3),
        _shared_largest(one, other, 5),
        round(100 * statistics.mean(errors), 4),
        {size: _milliseconds(bundle, complete, FEATURE_NAMES[:size], orders) for size in SIZES},
    )


def _milliseconds(bundle: Bundle, asked: Sequence[Record], names: Sequence[str], orders: int) -> float:
    """Median time of the one thread that works: what others do on the machine meanwhile counts little."""
    spent = []
    for record in asked:
        part: Record = {name: record[name] for name in names}
        started = time.thread_time()
        explain(bundle, part, orders)
        spent.append(time.thread_time() - started)
    return round(1000 * statistics.median(spent), 1)


def _agreement_table(agreements: Sequence[Agreement]) -> Table:
    heads = ("level", "parts", "scale", "median", "quartiles", "over all", "largest shared")
    table = Table(*heads, title="Rank agreement with TreeSHAP")
    for a in agreements:
        quartiles, shared = " to ".join(f"{q:.2f}" for q in a.quartiles), f"{a.largest_shared:.0%} of {a.largest}"
        table.add_row(a.level, str(a.parts), a.scale, f"{a.median:.2f}", quartiles, f"{a.overall:.2f}", shared)
    return table


def _cost_table(costs: Sequence[Cost]) -> Table:
    heads = ("orders", "two seeds", "5 largest shared", "error, points", *(f"ms, {size} fields" for size in SIZES))
    table = Table(*heads, title="Orders: stability and time")
    for c in costs:
        figures = (f"{c.seeds_agree:.2f}", f"{c.largest_shared:.0%}", f"{c.error_points:.3f}")
        table.add_row(str(c.orders), *figures, *(f"{c.milliseconds[size]:.1f}" for size in SIZES))
    return table


if __name__ == "__main__":
    main()
