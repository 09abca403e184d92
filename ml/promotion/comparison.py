"""Scores versions on the present test patients and compares candidate and incumbent."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from ml.core.errors import BundleError, UnapprovedError
from ml.core.signing.approval import Verified, check_manifest
from ml.evaluation.bootstrap import Interval, evaluate, interval, paired_difference, resampled_weights
from ml.evaluation.metrics import ALL_METRICS, Labels, Values, calibration_intercept, ece_by_chance, json_values
from ml.evaluation.registered_version import predict_with_digest
from ml.evaluation.subgroups import large_subgroups
from ml.features.tables import patients, target
from ml.promotion.evidence import Candidate, Evidence, Subgroup
from ml.promotion.rules import ECE_LIMIT, MARGINS
from ml.registry.client import ModelVersion, Registry

_CALIBRATION: Final = ("ece", "calibration_intercept", "calibration_slope")
_SEED: Final = 296


@dataclass(frozen=True, slots=True)
class ScoredCandidate:
    """A version with its risks for the test patients, shape ``(rows,)``, and the SHA-256 of its manifest.

    Both are None if the version has a fault.
    """

    candidate: Candidate
    risks: Values | None
    manifest_sha256: str | None


def score_candidate(
    registry: Registry, version: ModelVersion, test: pd.DataFrame, approval: Verified | None = None
) -> ScoredCandidate:
    """Score the test patients with a version. A damaged or deleted bundle is recorded as its fault.

    With an ``approval``, other files than the approved ones are a fault too.

    Raises:
        RegistryError: MLflow cannot be reached, or there is no such version.
    """
    tags = version.tags
    candidate = Candidate(
        version=version.number,
        provenance=tags.get("data_source", "synthetic"),
        data_version=tags.get("data_version", ""),
        code_version=tags.get("code_version", ""),
    )
    try:
        risks, digest = predict_with_digest(registry, test, version.number)
        if approval is not None:
            check_manifest(approval, digest)
        return ScoredCandidate(candidate, risks, digest)
    except (BundleError, UnapprovedError) as error:
        return ScoredCandidate(replace(candidate, fault=str(error)), None, None)


def compare(test: pd.DataFrame, candidate: Values, incumbent: Values | None, samples: int) -> Evidence:
    """The evidence for the gate, from risks of shape ``(rows,)`` for the test encounters.

    ``incumbent`` is None if there is no version to compare with; ``samples`` is the number of bootstrap replicates.
    """
    labels, groups = target(test), patients(test)
    metrics = {name: ALL_METRICS[name] for name in _CALIBRATION}
    evidence = Evidence(
        encounters=len(labels),
        positives=int(labels.sum()),
        calibration=evaluate(labels, candidate, groups, samples, _SEED, metrics),
        ece_ceiling=_ece_ceiling(candidate, samples),
        differences={},
        subgroups=(),
    )
    if incumbent is None:
        return evidence
    return replace(
        evidence,
        differences={
            name: paired_difference(name, labels, candidate, incumbent, groups, samples, _SEED) for name in MARGINS
        },
        subgroups=tuple(
            _subgroup(name, labels[rows], candidate[rows], incumbent[rows], groups[rows], samples)
            for name, rows in large_subgroups(test, labels)
        ),
    )


def _subgroup(
    name: str, labels: Labels, candidate: Values, incumbent: Values, groups: Labels, samples: int
) -> Subgroup:
    return Subgroup(
        name,
        len(labels),
        int(labels.sum()),
        auroc=paired_difference("auroc", labels, candidate, incumbent, groups, samples, _SEED),
        miscalibration=_miscalibration(labels, candidate, incumbent, groups, samples),
    )


def _ece_ceiling(risks: Values, draws: int) -> float:
    """Largest calibration error (97.5 % quantile), by chance on these rows, of a model that is just within the limit.

    A perfect model has an error of about 0.005 on 20,000 encounters and of 0.04 on 300, because the bins are uneven.
    Outcomes are drawn from risks that are off by the limit: lower in the lower half and higher in the upper half.
    """
    ranked = np.sort(risks)
    upper = np.arange(len(ranked)) >= len(ranked) / 2
    true_risks = np.clip(ranked + np.where(upper, ECE_LIMIT, -ECE_LIMIT), 0, 1)
    return float(np.quantile(ece_by_chance(ranked, true_risks, _SEED, draws), 0.975))


def _miscalibration(labels: Labels, candidate: Values, incumbent: Values, groups: Labels, samples: int) -> Interval:
    """Difference of the distances from calibration in the large, in logits, candidate minus incumbent.

    It is no difference of a metric, because the sign of the intercepts does not count.
    """

    def difference(weights: Values | None) -> float:
        distances = [abs(calibration_intercept(labels, risks, weights)) for risks in (candidate, incumbent)]
        return distances[0] - distances[1]

    return interval(difference(None), [difference(weights) for weights in resampled_weights(groups, samples, _SEED)])


def ledger_figures(evidence: Evidence | None, candidates: Mapping[str, Candidate | None]) -> dict[str, Any]:
    """What the ledger records of a decision, as plain values for JSON; keys of the candidates are their roles."""
    figures: dict[str, Any] = asdict(evidence) if evidence else {}
    for role, candidate in candidates.items():
        if candidate is not None:
            fields = asdict(candidate)
            figures[role] = {"data_source": fields.pop("provenance"), **fields}
    return dict(json_values(figures))
