"""Drift tests compared with PSI above 0.2, on the same windows of genuine test patients.

``python -m bench.drift [FILE]`` fits a small model on the train patients and draws windows of test encounters, without
change for the rate of false alarms, and with changes for the rate of detection.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from bench.genuine import bundle_of, data_file, load_genuine
from bench.report import machine, print_table, write_result
from ml.core.bundle import Bundle
from ml.features.masking import mask_fields
from ml.features.tables import model_inputs, patients, without_history
from ml.monitoring.drift import FALSE_ALARM_RATE, Comparison, Finding, Kind, State, run_tests
from ml.monitoring.reference import ScoreReference, ValueReference
from ml.monitoring.window import Window
from ml.schema import FEATURE_NAMES
from ml.simulation.drift_scenarios import (
    Shift,
    diagnoses_by_category,
    lab_not_measured,
    one_age_band_older,
    without_payer,
)
from ml.training.models import GRADIENT_BOOSTING, fit

SIZES: Final = (250, 500, 1_000)
QUIET_WINDOWS: Final = {250: 200, 500: 200, 1_000: 400}
SHIFTED_WINDOWS: Final = 100
PSI_LIMIT: Final = 0.2
"""The rule of thumb: a larger index is a significant change."""

SMALL: Final = {"n_estimators": 150, "learning_rate": 0.12}
_PSI_FLOOR: Final = 1e-4
"""Share that replaces zero, so that its logarithm exists."""
_BY_CONTENT: Final = (Kind.VALUE, Kind.SCORE)
"""Tests that must not react to the pattern of known fields."""
_VERSION: Final = "1"
_MISSING_PAYER: Final = "HM"
"""The second largest payer; the loss of the largest would be easier to detect."""


@dataclass(frozen=True, slots=True)
class Change:
    """A shift of the data, and the features in which it must be detected."""

    apply: Shift
    features: tuple[str, ...]


CHANGES: Final[Mapping[str, Change]] = {
    "age one band up": Change(one_age_band_older, ("age",)),
    f"payer {_MISSING_PAYER} vanishes": Change(lambda table: without_payer(table, _MISSING_PAYER), ("payer_code",)),
    "A1C no longer measured": Change(lab_not_measured, ("A1Cresult",)),
    "ICD-9 codes without decimals": Change(diagnoses_by_category, ("diag_1", "diag_2", "diag_3")),
}


class References:
    """Reference distributions of the train values and of the scores of test encounters with history."""

    def __init__(self, bundle: Bundle, train: pd.DataFrame, test: pd.DataFrame) -> None:
        self._bundle = bundle
        self._values = ValueReference(train)
        self._scores = ScoreReference(bundle, test)

    def compare(self, encounters: pd.DataFrame) -> list[Comparison]:
        """All comparisons of a window; the model receives the history."""
        inputs, now = model_inputs(encounters), datetime.now(UTC)
        scores = self._bundle.run({"texts": inputs.texts, "numbers": inputs.numbers}).astype(np.float64)
        versions = np.full(len(encounters), _VERSION, dtype=object)
        groups = patients(encounters).astype(object)
        window = Window(now, now, without_history(encounters), versions, scores, groups)
        return [*self._values.compare(window), self._scores.compare(window)]


def windows(table: pd.DataFrame, size: int, times: int, seed: int) -> Iterator[pd.DataFrame]:
    """Windows of encounters drawn without replacement."""
    generator = np.random.default_rng(seed)
    for _ in range(times):
        yield table.iloc[generator.choice(len(table), size, replace=False)]


def windows_of_patients(table: pd.DataFrame, size: int, times: int, seed: int) -> Iterator[pd.DataFrame]:
    """Windows of about this size of patients with all their encounters, which are correlated."""
    generator, groups = np.random.default_rng(seed), patients(table)
    rows_of = pd.Series(groups).groupby(groups).indices
    for _ in range(times):
        order = generator.permutation(np.unique(groups))
        yield table.iloc[np.concatenate([rows_of[patient] for patient in order[:size]])[:size]]


def drifted(findings: Sequence[Finding], kinds: Sequence[Kind] = tuple(Kind)) -> set[str]:
    """Features in drift by tests of these kinds."""
    return {finding.feature for finding in findings if finding.state is State.DRIFT and finding.kind in kinds}


def main() -> None:
    """Measure, print and write the result; exits with 1 if there are significantly too many false alarms."""
    data = load_genuine(data_file())
    model = fit(GRADIENT_BOOSTING, SMALL, data.train, os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as folder:
        bundle = bundle_of(model, GRADIENT_BOOSTING, data.test, data.version, Path(folder))
        result = measure(References(bundle, data.train, data.test), data.test)
    result |= {"data_version": data.version, "machine": machine("numpy", "onnxruntime", "pandas", "scipy")}
    write_result("drift", result)
    print_table("False alarms", result["without_shift"])
    print_table("Detected shifts", result["with_shift"])
    sys.exit(any(row["ours"]["low"] > FALSE_ALARM_RATE for row in result["without_shift"]))


def measure(references: References, test: pd.DataFrame) -> dict[str, Any]:
    """Rates of alarms by both methods, on unchanged windows and on windows with each shift."""
    size = SIZES[-1]
    masked = mask_fields(test, 0.5, seed=1)
    quiet = [
        *(_quiet("as they are", references, windows(test, n, times, n), n) for n, times in QUIET_WINDOWS.items()),
        _quiet(
            "patients with all their stays", references, windows_of_patients(test, size, 2 * SHIFTED_WINDOWS, 1), size
        ),
        _quiet("half of the fields unknown", references, windows(masked, size, SHIFTED_WINDOWS, 2), size, _BY_CONTENT),
    ]
    shifted = [
        _shifted(name, references, windows(change.apply(test), n, SHIFTED_WINDOWS, n), n, change.features)
        for name, change in CHANGES.items()
        for n in SIZES
    ]
    return {"psi_limit": PSI_LIMIT, "fields": len(FEATURE_NAMES), "without_shift": quiet, "with_shift": shifted}


def _quiet(
    name: str, references: References, drawn: Iterator[pd.DataFrame], size: int, kinds: Sequence[Kind] = tuple(Kind)
) -> dict[str, Any]:
    times, rates = _alarm_rates(references, drawn, lambda findings: bool(drifted(findings, kinds)), FEATURE_NAMES)
    rates = {"ours": rates["ours"], "psi_any": rates["psi"], "psi_mean": rates["psi_mean"]}
    return {"windows": name, "records": size, "times": times, "kinds": [str(kind) for kind in kinds], **rates}


def _shifted(
    name: str, references: References, drawn: Iterator[pd.DataFrame], size: int, features: Sequence[str]
) -> dict[str, Any]:
    times, rates = _alarm_rates(references, drawn, lambda findings: bool(drifted(findings) & {*features}), features)
    return {"shift": name, "records": size, "times": times, **rates}


def _alarm_rates(
    references: References,
    drawn: Iterator[pd.DataFrame],
    is_alarm: Callable[[Sequence[Finding]], bool],
    features: Sequence[str],
) -> tuple[int, dict[str, Any]]:
    """Number of windows, and the rates of alarms: by ours, by the PSI of any of the features, and by the mean PSI."""
    alarms: dict[str, list[bool]] = {"ours": [], "psi": [], "psi_mean": []}
    for encounters in drawn:
        comparisons = references.compare(encounters)
        values = {c.feature: _psi(c) for c in comparisons if c.kind is Kind.VALUE and c.is_testable}
        alarms["ours"].append(is_alarm(run_tests(comparisons)))
        alarms["psi"].append(any(values.get(feature, 0) > PSI_LIMIT for feature in features))
        alarms["psi_mean"].append(float(np.mean(list(values.values()))) > PSI_LIMIT)
    return len(alarms["ours"]), {name: _rate(flags) for name, flags in alarms.items()}


def _psi(comparison: Comparison) -> float:
    window, reference = (np.maximum(c / c.sum(), _PSI_FLOOR) for c in (comparison.window, comparison.reference))
    return float(np.sum((window - reference) * np.log(window / reference)))


def _rate(alarms: Sequence[bool]) -> dict[str, float]:
    interval = binomtest(sum(alarms), len(alarms)).proportion_ci()  # Clopper and Pearson, 95 %
    return {
        "share": round(sum(alarms) / len(alarms), 4),
        "low": round(float(interval.low), 4),
        "high": round(float(interval.high), 4),
    }


if __name__ == "__main__":
    main()
