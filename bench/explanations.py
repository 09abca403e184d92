"""Explanations compared with TreeSHAP on the same trees: rank agreement, sampling stability, time.

``python -m bench.explanations [FILE]`` fits the boosting model on the train patients of the genuine file and explains
test encounters with both methods.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xgboost
from numpy.typing import NDArray

from bench.genuine import SEED, bundle_of, data_file, load_genuine
from bench.report import machine, print_table, write_result
from ml.core.bundle import Bundle
from ml.core.explain import ORDERS, Predictor, explain
from ml.core.reliability import EARLIER_STAYS
from ml.features.encoder import DIAGNOSES, DRUGS, PRESENT, UTILISATION, feature_names
from ml.features.records import to_records
from ml.features.tables import model_inputs
from ml.schema import EXAMPLE_RECORD, FEATURE_NAMES, HISTORY_NAMES, INPUTS, Record
from ml.training.models import GRADIENT_BOOSTING, RiskModel, fit

RECORDS: Final = 300
REPEATED: Final = 100
"""Records to explain with two seeds and to time."""
ORDERS_TRIED: Final = (8, 16, 32)
SIZES: Final = (3, 20, 47)
COUNTS: Final = 0.01
"""A field counts if its mean TreeSHAP magnitude exceeds these logits, 1 % of the odds."""
LIMIT_MS: Final = 30.0
"""Largest accepted median time for a record with 47 known fields."""

_SHARED: Final = {"diagnoses": DIAGNOSES[:PRESENT], "utilisation": UTILISATION, "drugs": DRUGS}
"""Prefix of features that derive from several fields -> the fields."""
_GROUP_OF: Final = {column.name: column.group.value for column in INPUTS}


class Logits:
    """A bundle that predicts logits, the scale of TreeSHAP."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def predict(self, records: Sequence[Record]) -> NDArray[np.float64]:
        """Logit of each prediction."""
        probabilities = self._bundle.predict(records).astype(np.float64)
        return np.asarray(np.log(probabilities / (1 - probabilities)), dtype=np.float64)


def main() -> None:
    """Measure, print and write the result; exits with 1 above the time limit."""
    data = load_genuine(data_file())
    model = fit(GRADIENT_BOOSTING, {}, data.train, os.cpu_count() or 1)
    sample = data.test.sample(RECORDS, random_state=SEED)
    with tempfile.TemporaryDirectory() as folder:
        bundle = bundle_of(model, GRADIENT_BOOSTING, data.test, data.version, Path(folder))
    agreements = list(_agreements(bundle, model, sample))
    costs = [_cost(bundle, to_records(sample.head(REPEATED)), orders) for orders in ORDERS_TRIED]
    print_table("Rank agreement with TreeSHAP", agreements)
    print_table("Permutations: stability and time", costs)
    milliseconds = costs[ORDERS_TRIED.index(ORDERS)]["milliseconds"][SIZES[-1]]
    result = {
        "records": RECORDS,
        "orders": ORDERS,
        "milliseconds": milliseconds,
        "limit_milliseconds": LIMIT_MS,
        "agreement_with_treeshap": agreements,
        "orders_tried": costs,
        "data_version": data.version,
        "machine": machine("numpy", "onnxruntime", "xgboost-cpu"),
    }
    write_result("explanations", result)
    sys.exit(milliseconds > LIMIT_MS)


def _agreements(bundle: Bundle, model: RiskModel, sample: pd.DataFrame) -> Iterator[dict[str, Any]]:
    predictors: dict[str, Predictor] = {"probability": bundle, "logit": Logits(bundle)}
    for scale, predictor in predictors.items():
        ours = _contributions(predictor, to_records(sample))
        theirs = _treeshap(model, sample, ours.notna())
        counting = ours.columns[theirs.abs().mean() > COUNTS]
        yield _agreement("field", scale, ours, theirs, largest=5)
        yield _agreement("counting field", scale, ours[counting], theirs[counting], largest=5)
        yield _agreement("group", scale, _by_group(ours), _by_group(theirs), largest=3)


def _agreement(level: str, scale: str, ours: pd.DataFrame, theirs: pd.DataFrame, largest: int) -> dict[str, Any]:
    """Spearman correlations per record, and of the mean magnitudes over all records."""
    ranks = ours.corrwith(theirs, axis=1, method="spearman")
    low, median, high = (round(float(ranks.quantile(share)), 3) for share in (0.25, 0.5, 0.75))
    return {
        "level": level,
        "parts": ours.shape[1],
        "scale": scale,
        "median": median,
        "quartiles": (low, high),
        "overall": round(float(ours.abs().mean().corr(theirs.abs().mean(), method="spearman")), 3),
        "largest": largest,
        "largest_shared": _shared_largest(ours, theirs, largest),
    }


def _contributions(
    predictor: Predictor, records: Sequence[Record], orders: int = ORDERS, seed: int = 0
) -> pd.DataFrame:
    """One row per record, one column per field, NaN if unknown."""
    rows = [explain(predictor, record, orders, seed).contributions for record in records]
    return pd.DataFrame(rows, columns=[*FEATURE_NAMES, EARLIER_STAYS], dtype="float64")


def _treeshap(model: RiskModel, sample: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """TreeSHAP per known field; a feature of several fields is divided equally among the known ones."""
    matrix = xgboost.DMatrix(model.encoder.transform(model_inputs(sample)))
    by_feature = model.estimator.get_booster().predict(matrix, pred_contribs=True)[:, :-1]
    by_field = known.astype("float64") * 0
    for number, feature in enumerate(feature_names()):
        source = feature.partition(":")[0]
        owners = [EARLIER_STAYS] if source in HISTORY_NAMES else list(_SHARED.get(source, (source,)))
        shares = known[owners].div(known[owners].sum(axis=1).clip(lower=1), axis=0)
        by_field[owners] += shares.mul(by_feature[:, number], axis=0)
    return by_field.where(known)


def _by_group(contributions: pd.DataFrame) -> pd.DataFrame:
    return contributions.T.groupby(pd.Series(_GROUP_OF)).sum(min_count=1).T


def _shared_largest(one: pd.DataFrame, other: pd.DataFrame, largest: int) -> float:
    """Mean share of the largest contributions of one that are among the largest of the other."""
    pairs = zip(one.iterrows(), other.iterrows(), strict=True)
    shared = [set(a.abs().nlargest(largest).index) & set(b.abs().nlargest(largest).index) for (_, a), (_, b) in pairs]
    return round(statistics.mean(len(names) for names in shared) / largest, 3)


def _cost(bundle: Bundle, records: Sequence[Record], orders: int) -> dict[str, Any]:
    """Agreement of two seeds, sampling error in percentage points, and time by number of known fields."""
    one, other = (_contributions(bundle, records, orders, seed) for seed in (0, 1))
    errors = [error for record in records for error in explain(bundle, record, orders).errors.values()]
    complete: list[Record] = [{**EXAMPLE_RECORD, **record} for record in records]
    return {
        "orders": orders,
        "seeds_agree": round(float(one.corrwith(other, axis=1, method="spearman").median()), 3),
        "largest_shared": _shared_largest(one, other, 5),
        "error_points": round(100 * statistics.mean(errors), 4),
        "milliseconds": {size: _milliseconds(bundle, complete, FEATURE_NAMES[:size], orders) for size in SIZES},
    }


def _milliseconds(bundle: Bundle, records: Sequence[Record], names: Sequence[str], orders: int) -> float:
    """Median CPU time of the calling thread, which depends little on the load of the machine."""
    spent = []
    for record in records:
        part: Record = {name: record[name] for name in names}
        started = time.thread_time()
        explain(bundle, part, orders)
        spent.append(time.thread_time() - started)
    return round(1000 * statistics.median(spent), 1)


if __name__ == "__main__":
    main()
