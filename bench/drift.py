"""Our drift tests beside PSI above 0.2, on the same windows of genuine test patients: false alarms, and what is found.

``python -m bench.drift [FILE]`` fits a small model to the training patients of the genuine file, draws windows of
test encounters as they are and with changes made to them, prints a table and writes ``bench/results/drift.json``.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy.stats import beta

from bench.machine import machine
from ml.core.bundle import Bundle
from ml.data.cohort import cohort_of_file
from ml.data.split import TEST_PERCENT, bucket
from ml.evaluation.reliability_curve import estimate_reliability
from ml.features.masking import hide_fields
from ml.features.tables import model_inputs, patients, target, with_history, without_history
from ml.monitoring.drift import FALSE_ALARM_RATE, Comparison, Finding, Kind, State, run_tests
from ml.monitoring.reference import ScoreReference, ValueReference
from ml.monitoring.window import Window
from ml.schema import FEATURE_NAMES, PATIENT_ID
from ml.simulation.drift_scenarios import (
    Shift,
    diagnoses_by_category,
    lab_not_measured,
    one_age_band_older,
    without_payer,
)
from ml.training.export import write_bundle
from ml.training.models import FAMILIES, GRADIENT_BOOSTING, RiskModel, fit

RESULT: Final = Path(__file__).parent / "results" / "drift.json"
SIZES: Final = (250, 500, 1_000)
QUIET_WINDOWS: Final = {250: 200, 500: 200, 1_000: 400}
SHIFTED_WINDOWS: Final = 100
PSI_LIMIT: Final = 0.2
"""The rule of thumb: above it, "significant change, act"."""

SMALL: Final = {"n_estimators": 150, "learning_rate": 0.12}
_PSI_FLOOR: Final = 1e-4
"""Share that stands for none, so that its logarithm exists."""
_BY_CONTENT: Final = (Kind.VALUE, Kind.SCORE)
"""Tests that the pattern of known fields alone must not move."""
_VERSION: Final = "1"
_GONE_PAYER: Final = "HM"
"""The second largest; that the largest goes is noticed all the more."""


@dataclass(frozen=True, slots=True)
class Change:
    """A shift of what is sent, and the features to notice it."""

    apply: Shift
    features: tuple[str, ...]


CHANGES: Final[Mapping[str, Change]] = {
    "age one band up": Change(one_age_band_older, ("age",)),
    f"payer {_GONE_PAYER} vanishes": Change(lambda table: without_payer(table, _GONE_PAYER), ("payer_code",)),
    "A1C no longer measured": Change(lab_not_measured, ("A1Cresult",)),
    "ICD-9 codes without decimals": Change(diagnoses_by_category, ("diag_1", "diag_2", "diag_3")),
}


class Trial:
    """References of a model and its training data, and windows drawn from test encounters.

    Args:
        bundle: the model.
        train: encounters that windows are compared with.
        test: encounters that windows are drawn from and that answers are compared with, with their history.
    """

    def __init__(self, bundle: Bundle, train: pd.DataFrame, test: pd.DataFrame) -> None:
        self._bundle = bundle
        self._values = ValueReference(train)
        self._scores = ScoreReference(bundle, test)

    def comparisons(self, encounters: pd.DataFrame) -> list[Comparison]:
        """All tests of a window of these encounters, whose patients' earlier stays the model is told."""
        inputs, now = model_inputs(encounters), datetime.now(UTC)
        answers = self._bundle.run({"texts": inputs.texts, "numbers": inputs.numbers}).astype(np.float64)
        versions = np.full(len(encounters), _VERSION, dtype=object)
        people = patients(encounters).astype(object)
        window = Window(now, now, without_history(encounters), versions, answers, people)
        return [*self._values.compare(window), self._scores.compare(window)]


def windows(table: pd.DataFrame, size: int, times: int, seed: int) -> Iterator[pd.DataFrame]:
    """So many windows of encounters, each drawn without replacement."""
    generator = np.random.default_rng(seed)
    for _ in range(times):
        yield table.iloc[generator.choice(len(table), size, replace=False)]


def windows_of_patients(table: pd.DataFrame, size: int, times: int, seed: int) -> Iterator[pd.DataFrame]:
    """Windows of about this size made of patients with all their encounters, who are more alike than strangers."""
    generator, people = np.random.default_rng(seed), patients(table)
    each = pd.Series(people).groupby(people).indices
    for _ in range(times):
        order = generator.permutation(np.unique(people))
        rows = np.concatenate([each[patient] for patient in order[:size]])[:size]
        yield table.iloc[rows]


def drifted(findings: Sequence[Finding], kinds: Sequence[Kind] = tuple(Kind)) -> set[str]:
    """Features in drift, by tests of some kinds."""
    return {found.feature for found in findings if found.state is State.DRIFT and found.kind in kinds}


def psi(one: Comparison) -> float:
    """Population stability index of a comparison."""
    found, expected = (np.maximum(c / c.sum(), _PSI_FLOOR) for c in (one.window, one.reference))
    return float(np.sum((found - expected) * np.log(found / expected)))


def psi_of_values(comparisons: Sequence[Comparison]) -> dict[str, float]:
    """The index of each feature in the same bins, where we test it too."""
    return {one.feature: psi(one) for one in comparisons if one.kind is Kind.VALUE and one.is_testable}


def interval(successes: int, times: int) -> tuple[float, float]:
    """95 % interval of a share (Clopper and Pearson)."""
    low = beta.ppf(0.025, successes, times - successes + 1) if successes else 0.0
    high = beta.ppf(0.975, successes + 1, times - successes) if successes < times else 1.0
    return float(low), float(high)


def main() -> None:
    """Measure, print and write the result; exit with 1 when false alarms are too many beyond chance."""
    given = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("DATA_FILE")
    if not given:
        sys.exit("Name the genuine data set: python -m bench.drift FILE, or set DATA_FILE.")
    cohort = cohort_of_file(Path(given))
    table = with_history(cohort.table)
    testing = table[PATIENT_ID].map(bucket) < TEST_PERCENT
    train, test = table[~testing], table[testing]
    model = fit(GRADIENT_BOOSTING, SMALL, train, os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(bundle_of(model, test, cohort.version, Path(folder)), train, test)
        result = measure(trial, test)
    result |= {"data_version": cohort.version, "machine": machine("numpy", "onnxruntime", "pandas", "scipy")}
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    Console().print(_quiet_table(result["without_shift"]), _shift_table(result["with_shift"]))
    sys.exit(any(row["ours"]["low"] > FALSE_ALARM_RATE for row in result["without_shift"]))


def bundle_of(model: RiskModel, test: pd.DataFrame, data_version: str, directory: Path) -> Bundle:
    """A fitted model as it is served."""
    sample = test.sample(2_000, random_state=1)
    manifest = {
        "algorithm": FAMILIES[GRADIENT_BOOSTING].name,
        "data_source": "real",
        "data_version": data_version,
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "prevalence": float(target(test).mean()),
        "risk_quantiles": (),
        "metrics": {},
        "completeness": estimate_reliability(model.probabilities, sample).to_json(),
    }
    return write_bundle(model, sample, manifest, directory)


def measure(trial: Trial, test: pd.DataFrame) -> dict[str, Any]:
    """Both ways on windows as they are, and with each shift; rates by size."""
    size = SIZES[-1]
    half = hide_fields(test, 0.5, seed=1)
    quiet = [
        *(_quiet("as they are", trial, windows(test, n, times, seed=n), n) for n, times in QUIET_WINDOWS.items()),
        _quiet("patients with all their stays", trial, windows_of_patients(test, size, 2 * SHIFTED_WINDOWS, 1), size),
        _quiet("half of the fields unknown", trial, windows(half, size, SHIFTED_WINDOWS, 2), size, _BY_CONTENT),
    ]
    shifted = [
        _shifted(name, shift, trial, windows(shift.apply(test), n, SHIFTED_WINDOWS, seed=n), n)
        for name, shift in CHANGES.items()
        for n in SIZES
    ]
    return {"psi_limit": PSI_LIMIT, "fields": len(FEATURE_NAMES), "without_shift": quiet, "with_shift": shifted}


def _quiet(
    name: str, trial: Trial, drawn: Iterator[pd.DataFrame], size: int, kinds: Sequence[Kind] = tuple(Kind)
) -> dict[str, Any]:
    """Alarms on windows without any shift: of ours by tests of some kinds, of any PSI and of their mean."""
    ours, any_psi, mean_psi = [], [], []
    for encounters in drawn:
        comparisons = trial.comparisons(encounters)
        ours.append(bool(drifted(run_tests(comparisons), kinds)))
        indices = psi_of_values(comparisons).values()
        any_psi.append(max(indices) > PSI_LIMIT)
        mean_psi.append(float(np.mean(list(indices))) > PSI_LIMIT)
    rates = {"ours": _rate(ours), "psi_any": _rate(any_psi), "psi_mean": _rate(mean_psi)}
    return {"windows": name, "records": size, "times": len(ours), "kinds": [str(kind) for kind in kinds], **rates}


def _shifted(name: str, shift: Change, trial: Trial, drawn: Iterator[pd.DataFrame], size: int) -> dict[str, Any]:
    """How often a shift is found in a feature that it changes: by ours, by its PSI, and by the mean of all."""
    ours, any_psi, mean_psi = [], [], []
    for encounters in drawn:
        comparisons = trial.comparisons(encounters)
        ours.append(bool(drifted(run_tests(comparisons)) & set(shift.features)))
        indices = psi_of_values(comparisons)
        any_psi.append(any(indices.get(feature, 0) > PSI_LIMIT for feature in shift.features))
        mean_psi.append(float(np.mean(list(indices.values()))) > PSI_LIMIT)
    rates = {"ours": _rate(ours), "psi": _rate(any_psi), "psi_mean": _rate(mean_psi)}
    return {"shift": name, "records": size, "times": len(ours), **rates}


def _rate(alarms: Sequence[bool]) -> dict[str, float]:
    low, high = interval(sum(alarms), len(alarms))
    return {"share": round(float(np.mean(alarms)), 4), "low": round(low, 4), "high": round(high, 4)}


def _quiet_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table("windows", "records", "ours", "95 % interval", "any PSI", "mean PSI", title="False alarms")
    for row in rows:
        ours = row["ours"]
        others = (f"{row[name]['share']:.1%}" for name in ("psi_any", "psi_mean"))
        between = f"{ours['low']:.1%} to {ours['high']:.1%}"
        table.add_row(row["windows"], f"{row['records']:,}", f"{ours['share']:.1%}", between, *others)
    return table


def _shift_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table("shift", "records", "ours", "its PSI", "mean PSI", title="Shifts found")
    for row in rows:
        rates = (f"{row[name]['share']:.0%}" for name in ("ours", "psi", "psi_mean"))
        table.add_row(row["shift"], f"{row['records']:,}", *rates)
    return table


if __name__ == "__main__":
    main()
