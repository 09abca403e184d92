"""The genuine data set, split by patient as in production, and models trained on it as bundles."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from ml.core.bundle import Bundle
from ml.data.cohort import cohort_of_file
from ml.data.split import TEST_PERCENT, bucket
from ml.features.tables import with_history
from ml.schema import PATIENT_ID
from ml.training.export import write_bundle
from ml.training.manifest import manifest_fields
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
    tags = {"algorithm": FAMILIES[family].name, "data_source": "real", "data_version": data_version}
    return write_bundle(model, sample, manifest_fields(model, test, sample, {}, tags), directory)
