"""Compares offsets that are fitted on rows that the trees have seen with offsets of held-out patients.

``python -m bench.offsets FILE`` fits each family on the train patients, and offsets twice: on the train patients, with
a mask that the trees have not seen, as in production; and on one half of the test patients. Both are compared on the
other half with random masks, and the halves are exchanged. Both aim at the prevalence of the train patients.
"""

import os
from typing import Any, Final

import numpy as np
from scipy.special import expit

from bench.genuine import SEED, Genuine, data_file, load_genuine
from bench.report import machine, print_table, write_result
from ml.evaluation.bootstrap import paired_difference
from ml.evaluation.metrics import ALL_METRICS
from ml.features.masking import apply_mask, random_mask
from ml.features.tables import model_inputs, patients, target
from ml.training.ensembles import tree_logits
from ml.training.models import FAMILIES, fit
from ml.training.offsets import fit_offsets, ordinary_number

MEASURED: Final = ("calibration_intercept", "ece", "brier")
REPLICATES: Final = 200


def compare(family: str, data: Genuine) -> dict[str, Any]:
    """Scores of the test patients with either kind of offsets, and their paired differences."""
    model = fit(family, {}, data.train, os.cpu_count() or 1)
    ordinary = ordinary_number(model.encoder.transform(model_inputs(data.train)))
    labels, groups, prevalence = target(data.test), patients(data.test), float(target(data.train).mean())
    matrix = model.encoder.transform(apply_mask(model_inputs(data.test), random_mask(len(labels), SEED)))
    logits = tree_logits(model.estimator, model.base, matrix)
    numbers = np.unique(groups, return_inverse=True)[1]
    is_first = np.random.default_rng(SEED).permutation(numbers.max() + 1)[numbers] % 2 == 0
    offsets = np.empty(len(labels))
    for evaluated in (is_first, ~is_first):
        fitted = fit_offsets(logits[~evaluated], matrix[~evaluated], prevalence, ordinary)
        offsets[evaluated] = fitted.of(matrix[evaluated])
    seen, held_out = expit(logits + model.offsets.of(matrix)), expit(logits + offsets)
    change = float(np.abs(seen - held_out).mean())
    row: dict[str, Any] = {"family": FAMILIES[family].name, "mean_change_of_risk": change}
    for metric in MEASURED:
        difference = paired_difference(metric, labels, held_out, seen, groups, REPLICATES)
        row[metric] = {"seen": ALL_METRICS[metric](labels, seen, None), **difference}
    return row


def main() -> None:
    """Measure, print and write the result."""
    data = load_genuine(data_file())
    rows = [compare(family, data) for family in FAMILIES]
    write_result("offsets", {"data_version": data.version, "scores": rows, "machine": machine("numpy", "scikit-learn")})
    print_table("Offsets of seen rows; and of held-out patients minus those", rows)


if __name__ == "__main__":
    main()
