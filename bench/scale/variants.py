"""Training rows in all variants, or in one variant each: what the models differ by, at several sizes.

``python -m bench.scale.variants``. With more than a million encounters, each is in the training rows once: complete,
without history, or with masked fields (:mod:`ml.training.rows`). This fits both kinds to the same synthetic encounters
and compares them on complete records, on records without history, and on records with masked fields.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import numpy as np
import sqlalchemy as sa

from bench.database import fresh_database, postgres
from bench.report import machine, print_table, write_result
from ml.core.settings import MlSettings
from ml.data.ingest import ingest
from ml.evaluation.bootstrap import paired_difference
from ml.evaluation.metrics import auroc, calibration_slope
from ml.features.masking import apply_mask, random_mask
from ml.features.tables import model_inputs, patients, target, without_history
from ml.training import rows as training
from ml.training.models import FAMILIES, GRADIENT_BOOSTING, RANDOM_FOREST, RiskModel, fit
from ml.warehouse.connection import warehouse
from ml.warehouse.datasets import Dataset, read

SIZES: Final = (100_000, 1_000_000)
FEW: Final[Mapping[str, Mapping[str, Any]]] = {
    RANDOM_FOREST: {"n_estimators": 50},
    GRADIENT_BOOSTING: {"n_estimators": 200, "learning_rate": 0.1},
}
SAMPLES: Final = 100
MASK_SEED: Final = 1


def main() -> None:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES, help="(default: %(default)s)")
    runs = [run for rows in parser.parse_args().rows for run in measure(rows)]
    print_table("One variant of a row in place of all", runs)
    write_result("scale_variants", {"runs": runs, "machine": machine("scikit-learn", "xgboost-cpu")})


def measure(rows: int) -> list[dict[str, Any]]:
    """Compare the models of both families."""
    with tempfile.TemporaryDirectory() as scratch, postgres(Path(scratch)) as server, fresh_database(server) as bare:
        data = {"data_source": "synthetic", "synthetic_rows": rows, "data_dir": Path(scratch) / "data"}
        settings = bare.model_copy(update=data)
        with warehouse(settings) as engine:
            return compare(settings, engine)


def compare(settings: MlSettings, engine: sa.Engine) -> list[dict[str, Any]]:
    """Fit and evaluate both kinds of rows."""
    ingest(settings, engine)
    dataset, found = read(engine), []
    labels, groups = target(dataset.test), patients(dataset.test)
    for family, parameters in FEW.items():
        risks, seconds = [], []
        for most in (10**9, 0):  # parts of which each encounter is in all variants
            started = time.perf_counter()
            with patch.object(training, "FEW_PARTS", most):
                model = fit(family, parameters, dataset.parts, settings.train_jobs)
            seconds.append(round(time.perf_counter() - started, 1))
            risks.append(predictions(model, dataset))
        for kind in risks[0]:
            of_all, of_one = (given[kind] for given in risks)
            difference = paired_difference("auroc", labels, of_one, of_all, groups, SAMPLES)
            found.append(
                {
                    "rows": dataset.version.train_rows + dataset.version.test_rows,
                    "family": FAMILIES[family].name,
                    "records": kind,
                    "auroc, all": round(auroc(labels, of_all), 4),
                    "difference": {name: round(value, 4) for name, value in difference.items()},
                    "slope, all": round(calibration_slope(labels, of_all), 3),
                    "slope, one": round(calibration_slope(labels, of_one), 3),
                    "seconds": seconds,
                }
            )
            print(found[-1], flush=True)
    return found


def predictions(model: RiskModel, dataset: Dataset) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """Risks of the test encounters, by what of their records is known."""
    test = dataset.test
    masked = apply_mask(model_inputs(test), random_mask(len(test), MASK_SEED))
    return {
        "complete": model.predict(test),
        "without history": model.predict(without_history(test)),
        "masked at random": model.probabilities(masked),
    }


if __name__ == "__main__":
    main()
