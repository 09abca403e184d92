"""The genuine data set, split by patient as in production, and models trained on it as bundles."""

import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pandas as pd

from ml.core.bundle import Bundle
from ml.data.cohort import cohort_of_file
from ml.data.split import TEST_PERCENT, bucket
from ml.evaluation.reliability_curve import estimate_reliability
from ml.features.tables import target, with_history
from ml.schema import PATIENT_ID
from ml.training.export import write_bundle
from ml.training.models import FAMILIES, RiskModel

SEED: Final = 296
_BUNDLE_ROWS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Genuine:
    """Train and test encounters with history, and the hash of their content."""

    train: pd.DataFrame
    test: pd.DataFrame
    version: str


def data_file() -> Path:
    """Path from the command line or from ``DATA_FILE``; exits without one."""
    path = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("DATA_FILE")
    if not path:
        sys.exit("Give the path of the genuine data set as argument, or set DATA_FILE.")
    return Path(path)


def load_genuine(file: Path) -> Genuine:
    """Read and split the genuine data set."""
    cohort = cohort_of_file(file)
    table = with_history(cohort.table)
    is_test = table[PATIENT_ID].map(bucket) < TEST_PERCENT
    return Genuine(table[~is_test], table[is_test], cohort.version)


def bundle_of(model: RiskModel, family: str, test: pd.DataFrame, data_version: str, directory: Path) -> Bundle:
    """Write a fitted model as a bundle into an existing directory, and load it."""
    sample = test.sample(_BUNDLE_ROWS, random_state=SEED)
    manifest = {
        "algorithm": FAMILIES[family].name,
        "data_source": "real",
        "data_version": data_version,
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "prevalence": float(target(test).mean()),
        "risk_quantiles": (),
        "metrics": {},
        "completeness": estimate_reliability(model.probabilities, sample),
    }
    return write_bundle(model, sample, manifest, directory)
