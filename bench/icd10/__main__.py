"""What ICD-10-CM codes cost: genuine test encounters, their diagnoses converted to ICD-10-CM and back.

``python -m bench.icd10 FILE 2018_I9gem.txt`` takes the genuine data set and the mapping from ICD-9-CM to ICD-10-CM of
the release that :mod:`bench.icd10.table` describes. It fits a forest on the train patients.

The data set has categories only, except of diabetes, while the mapping has complete codes. Each diagnosis becomes a
random ICD-9-CM code of its category, and that a random one of its counterparts.
"""

import os
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from bench.genuine import SEED, data_file, load_genuine
from bench.icd10.table import counterparts_of
from bench.report import machine, print_table, write_result
from ml.evaluation.bootstrap import paired_difference
from ml.evaluation.metrics import METRICS
from ml.features.tables import patients, target
from ml.schema.columns import COLUMNS, Kind
from ml.schema.icd9 import canonical_icd9
from ml.schema.icd10 import canonical_icd10, to_icd9
from ml.training.models import RANDOM_FOREST, fit

DIAGNOSES: Final = [column.name for column in COLUMNS if column.kind is Kind.ICD9]
MEASURED: Final = ("auroc", "average_precision", "brier", "ece")
REPLICATES: Final = 200
_DIABETES: Final = "250"

Pool = Mapping[str, Sequence[Sequence[str]]]
"""For each code of the data set the complete codes that it may stand for, each as its counterparts."""


def pool_of(forward: Mapping[str, Sequence[str]]) -> Pool:
    """The pool of a mapping to ICD-10-CM by undotted ICD-9-CM code."""
    pool: dict[str, list[Sequence[str]]] = defaultdict(list)
    for code, counterparts in forward.items():
        spelled = canonical_icd9(code)
        category = spelled.partition(".")[0]
        for name in {spelled} if category == _DIABETES else {spelled, category}:
            pool[name].append(counterparts)
    return pool


def to_icd10(code: str, pool: Pool, generator: np.random.Generator) -> str | None:
    """A random ICD-10-CM code of a code; None if it has none."""
    complete = pool[canonical_icd9(code)]
    counterparts = complete[int(generator.integers(len(complete)))]
    return counterparts[int(generator.integers(len(counterparts)))] if counterparts else None


def there_and_back(table: pd.DataFrame, pool: Pool) -> pd.DataFrame:
    """The table with its diagnoses converted to ICD-10-CM and back; NA where either has no counterpart."""
    generator = np.random.default_rng(SEED)

    def convert(code: str) -> str | None:
        other = to_icd10(code, pool, generator)
        return None if other is None else to_icd9(other).used

    return table.assign(**{name: table[name].map(convert, na_action="ignore").astype("str") for name in DIAGNOSES})


def changes(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, float]:
    """Shares of the known diagnoses that became another one for the model, or unknown."""
    known = before[DIAGNOSES].notna().to_numpy()
    old = before[DIAGNOSES].map(_granular, na_action="ignore").to_numpy()[known]
    new = after[DIAGNOSES].map(_granular, na_action="ignore").to_numpy()[known]
    unknown = pd.isna(new)
    diabetes = np.array([code.startswith(_DIABETES) for code in old])
    changed = ~unknown & (old != new)
    return {
        "codes": int(known.sum()),
        "unknown": round(float(unknown.mean()), 4),
        "other": round(float(changed.mean()), 4),
        "other_of_diabetes": round(float(changed[diabetes].mean()), 4),
        "other_of_the_rest": round(float(changed[~diabetes].mean()), 4),
    }


def _granular(code: str) -> str:
    """A code as the data set has it: the category, and decimals of diabetes."""
    spelled = canonical_icd9(code)
    return spelled if spelled.startswith(_DIABETES) else spelled.partition(".")[0]


def main() -> None:
    """Measure, print and write the result."""
    data = load_genuine(data_file())
    with Path(sys.argv[2]).open(encoding="ascii") as lines:
        pool = pool_of(counterparts_of(lines, canonical_icd10))
    converted = there_and_back(data.test, pool)
    without = data.test.assign(**{name: pd.Series(pd.NA, data.test.index, "str") for name in DIAGNOSES})
    labels, groups = target(data.test), patients(data.test)
    model = fit(RANDOM_FOREST, {}, data.train, os.cpu_count() or 1)
    genuine = model.predict(data.test)
    rows: list[dict[str, Any]] = []
    for name, table in (("there and back", converted), ("diagnoses unknown", without)):
        risks = model.predict(table)
        row: dict[str, Any] = {"records": name}
        for metric in MEASURED:
            difference = paired_difference(metric, labels, risks, genuine, groups, REPLICATES)
            before = METRICS[metric](labels, genuine, None)
            row[metric] = {"before": round(before, 4), **{key: round(v, 5) for key, v in difference.items()}}
        row["risk_ratio_5_50_95"] = [round(float(q), 3) for q in np.quantile(risks / genuine, [0.05, 0.5, 0.95])]
        rows.append(row)
    result: dict[str, Any] = {
        "encounters": len(labels),
        "diagnoses": changes(data.test, converted),
        "scores": rows,
        "data_version": data.version,
        "machine": machine("numpy", "pandas", "scikit-learn"),
    }
    write_result("icd10", result)
    print_table("Diagnoses", [result["diagnoses"]])
    print_table("Scores: before, difference and its 95 % interval", rows)


if __name__ == "__main__":
    main()
