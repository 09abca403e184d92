"""Figures for the gate: versions answer for the present test patients, and their answers are compared."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from ml.core.bundle import load_bundle
from ml.core.errors import BundleError
from ml.evaluation.bootstrap import Interval, evaluate, paired_difference, resampled_weights
from ml.evaluation.metrics import ALL_METRICS, Labels, Values, calibration_error, calibration_intercept
from ml.features.records import to_records
from ml.features.tables import patients, target
from ml.promotion.evidence import Candidate, Evidence, Subgroup
from ml.promotion.rules import ECE_LIMIT, MARGINS
from ml.registry.client import ModelVersion, Registry

SUBGROUP_COLUMNS: Final = ("race", "gender", "age")
SUBGROUP_ENCOUNTERS: Final = 200
SUBGROUP_POSITIVES: Final = 25
"""A subgroup with fewer encounters, or fewer of either outcome, says too little to be judged."""

_CALIBRATION: Final = ("ece", "calibration_intercept", "calibration_slope")
_SEED: Final = 296


@dataclass(frozen=True, slots=True)
class ScoredCandidate:
    """A version that was asked for its answers; ``risks`` of shape ``(rows,)``, None where it has a fault."""

    contender: Candidate
    risks: Values | None


def score_candidate(registry: Registry, version: ModelVersion, test: pd.DataFrame) -> ScoredCandidate:
    """Let a version answer for the test patients, through the code that serves it.

    Args:
        registry: holds the version.
        version: to examine. A bundle that is damaged or gone is its fault, and no error.
        test: encounters as :func:`ml.warehouse.datasets.read` gives them.

    Raises:
        RegistryError: MLflow cannot be reached, or the version is not there.
    """
    tags = version.tags
    identity = (version.number, tags.get("data_source", "synthetic"), tags.get("data_version", ""))
    code = tags.get("code_version", "")
    try:
        with registry.download(version.number) as directory:
            risks = load_bundle(directory).predict(to_records(test)).astype(np.float64)
    except BundleError as fault:
        return ScoredCandidate(Candidate(*identity, code, fault=str(fault)), None)
    return ScoredCandidate(Candidate(*identity, code), risks)


def compare(test: pd.DataFrame, candidate: Values, incumbent: Values | None, samples: int) -> Evidence:
    """What the gate decides on.

    Args:
        test: encounters that both answered for.
        candidate: its probabilities, shape ``(rows,)``.
        incumbent: those of the version in production, shape ``(rows,)``; None when there is none to compare with.
        samples: bootstrap replicates.
    """
    labels, groups = target(test), patients(test)
    measures = {name: ALL_METRICS[name] for name in _CALIBRATION}
    calibration = evaluate(labels, candidate, groups, samples, _SEED, measures)
    ece_ceiling = _ece_ceiling(candidate, samples)
    differences: Mapping[str, Interval] = {}
    subgroups: tuple[Subgroup, ...] = ()
    if incumbent is not None:
        sides = (candidate, incumbent, groups, samples, _SEED)
        differences = {name: paired_difference(name, labels, *sides) for name in MARGINS}
        subgroups = tuple(_subgroups(test, candidate, incumbent, samples))
    return Evidence(len(labels), int(labels.sum()), calibration, ece_ceiling, differences, subgroups)


def _ece_ceiling(risks: Values, draws: int) -> float:
    """Largest calibration error (97.5 % quantile) that a model just within the limit shows on these rows by chance.

    Chance alone makes the bins uneven, the more so the fewer rows there are: a perfect model shows an error of about
    0.005 on 20,000 encounters and of 0.04 on 300. So outcomes are drawn from risks that are off by the limit,
    down in the lower half and up in the upper.
    """
    ranked = np.sort(risks)
    upper = np.arange(len(ranked)) >= len(ranked) / 2
    true_risks = np.clip(ranked + np.where(upper, ECE_LIMIT, -ECE_LIMIT), 0, 1)
    generator = np.random.default_rng(_SEED)
    drawn = ((generator.random(len(ranked)) < true_risks).astype(np.int64) for _ in range(draws))
    return float(np.quantile([calibration_error(labels, ranked) for labels in drawn], 0.975))


def _subgroups(test: pd.DataFrame, candidate: Values, incumbent: Values, samples: int) -> Iterator[Subgroup]:
    labels, groups = target(test), patients(test)
    for column in SUBGROUP_COLUMNS:
        for level in sorted(test[column].dropna().unique()):
            rows = (test[column] == level).fillna(False).to_numpy(dtype=bool)
            positives = int(labels[rows].sum())
            scarcer = min(positives, int(rows.sum()) - positives)
            if rows.sum() < SUBGROUP_ENCOUNTERS or scarcer < SUBGROUP_POSITIVES:
                continue
            part = (labels[rows], candidate[rows], incumbent[rows], groups[rows], samples)
            yield Subgroup(
                f"{column} {level}",
                int(rows.sum()),
                positives,
                auroc=paired_difference("auroc", *part, _SEED),
                miscalibration=_further_off(*part),
            )


def _further_off(labels: Labels, candidate: Values, incumbent: Values, groups: Labels, samples: int) -> Interval:
    """How much further from calibration in the large the candidate is, in logits; shapes as in ``compare``.

    The sign of neither intercept matters, so this is no difference of a metric.
    """

    def distance(weights: Values | None) -> float:
        off = [abs(calibration_intercept(labels, risks, weights)) for risks in (candidate, incumbent)]
        return off[0] - off[1]

    replicates = [distance(weights) for weights in resampled_weights(groups, samples, _SEED)]
    low, high = np.nanquantile(replicates, [0.025, 0.975])
    return {"value": distance(None), "low": float(low), "high": float(high)}


def as_ledger(evidence: Evidence | None, examined: Mapping[str, ScoredCandidate | None]) -> dict[str, Any]:
    """What the ledger keeps of a decision, as plain values for JSON; a figure that is not a number is None.

    Args:
        evidence: what was decided on, if the candidate could be measured.
        examined: the two sides, ``candidate`` and ``incumbent``.
    """
    versions = {
        side: {
            "version": found.contender.version,
            "data_source": found.contender.provenance,
            "data_version": found.contender.data_version,
            "code_version": found.contender.code_version,
            "fault": found.contender.fault,
        }
        for side, found in examined.items()
        if found is not None
    }
    if evidence is None:
        return versions
    return {
        **versions,
        "encounters": evidence.encounters,
        "positives": evidence.positives,
        "calibration": {name: _plain(figure) for name, figure in evidence.calibration.items()},
        "ece_ceiling": evidence.ece_ceiling,
        "differences": {name: _plain(figure) for name, figure in evidence.differences.items()},
        "subgroups": [
            {
                "name": group.name,
                "encounters": group.encounters,
                "positives": group.positives,
                "auroc": _plain(group.auroc),
                "miscalibration": _plain(group.miscalibration),
            }
            for group in evidence.subgroups
        ],
    }


def _plain(figure: Interval) -> dict[str, float | None]:
    return {end: number if np.isfinite(number) else None for end, number in figure.items()}
