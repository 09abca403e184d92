"""Findings of a report as plain values: computed at training, stored as ``report.json``, rendered as page and card.

Page, plots and card use :class:`Findings` only. Risks, rates and shares are between 0 and 1. Field names are those of
the stored file.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from ml.core.errors import BundleError
from ml.evaluation.bootstrap import Interval

Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Data, code and parameters of a version."""

    algorithm: str
    family: str
    parameters: Mapping[str, Any]
    data_source: str  # "real" or "synthetic"
    delivered_by: str  # "uci", "file" or "synthetic"
    data_version: str
    code_version: str
    trained_at: str  # ISO 8601, UTC
    samples: int  # bootstrap replicates behind each interval

    @property
    def is_synthetic(self) -> bool:
        """Whether the data are synthetic."""
        return self.data_source == "synthetic"


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One line of the table of cohort characteristics, as text."""

    label: str
    train: str
    test: str


@dataclass(frozen=True, slots=True)
class Band:
    """A curve with a pointwise 95 % interval."""

    x: Numbers
    y: Numbers
    low: Numbers
    high: Numbers


@dataclass(frozen=True, slots=True)
class Curves:
    """Curves of the model, with those of the LACE proxy for comparison."""

    roc: Band  # false positive rate, sensitivity
    precision_recall: Band  # recall, precision
    gains: Band  # share followed up, sensitivity
    calibration: Band  # mean predicted risk of a decile, observed rate
    benefit: Band  # threshold, net benefit
    reference_roc: Numbers
    reference_gains: Numbers
    reference_benefit: Numbers
    treat_all: Numbers
    edges: Numbers  # bins of the histogram of risks
    returned: tuple[int, ...]  # encounters per bin followed by a readmission
    stayed_out: tuple[int, ...]  # encounters per bin not followed by one
    quartiles: Numbers  # of the risks


@dataclass(frozen=True, slots=True)
class Subgroup:
    """Metrics of a subgroup; None if it is too small."""

    factor: str
    level: str
    rows: int
    positives: int
    predicted: float  # mean risk
    observed: Interval | None
    auroc: Interval | None
    average_precision: Interval | None


@dataclass(frozen=True, slots=True)
class Importance:
    """Permutation importance of a field or a group of fields, as loss of each metric."""

    label: str
    fields: int
    auroc: Interval
    average_precision: Interval


@dataclass(frozen=True, slots=True)
class Robustness:
    """Metrics of the same encounters with some fields masked."""

    label: str
    hidden: float | None  # share of the 47 fields masked at random; None where fields were chosen
    auroc: Interval
    ece: float
    ece_floor: float
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True)
class Findings:
    """All findings on a version."""

    provenance: Provenance
    characteristics: tuple[Characteristic, ...]
    prevalence: float  # among the test encounters
    metrics: Mapping[str, Interval]  # by key of ml.evaluation.metrics.ALL_METRICS
    without_history: Mapping[str, Interval]  # the same with unknown history
    reference_metrics: Mapping[str, Interval]  # the same of the LACE proxy
    ece_floor: float
    curves: Curves
    subgroups: tuple[Subgroup, ...]
    group_importance: tuple[Importance, ...]
    field_importance: tuple[Importance, ...]
    importance_rows: int
    robustness: tuple[Robustness, ...]
    robustness_rows: int


_ADAPTER: Final = TypeAdapter(Findings)


def to_json(findings: Findings) -> str:
    """Serialise findings; the inverse of :func:`from_json`."""
    return json.dumps(asdict(findings), indent=1)


def from_json(text: str) -> Findings:
    """Parse the ``report.json`` of a run.

    Raises:
        BundleError: the text does not match this version of :class:`Findings`.
    """
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise BundleError(f"The report of the version cannot be read: {where or 'its text'}: {fault['msg']}.") from None
