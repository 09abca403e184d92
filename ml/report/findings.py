"""What a report says, as plain values: measured once at training, kept with the run as JSON, shown in any form.

The page, the plots and the model card are all made from :class:`Findings` and from nothing else, so that none of
them can say anything that was not measured. Risks, rates and shares are between 0 and 1.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from ml.core.errors import BundleError
from ml.evaluation.bootstrap import Interval
from ml.evaluation.metrics import Labels, Values

Answers = Callable[[pd.DataFrame], Values]
"""Asks the model: a table of encounters to probabilities, shape ``(rows,)``."""

Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """A model's answers for the test patients beside what happened, and the model itself for more questions."""

    table: pd.DataFrame  # the test encounters, as ml.warehouse.datasets.read gives them
    labels: Labels  # shape (rows,)
    probabilities: Values  # shape (rows,)
    patients: Labels  # shape (rows,)
    reference: Values  # probabilities by the LACE proxy, shape (rows,)
    answers: Answers


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a version was made from."""

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
        """Whether the patients were made up."""
        return self.data_source == "synthetic"


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One line of the description of the cohort, as text."""

    label: str
    train: str
    test: str


@dataclass(frozen=True, slots=True)
class Band:
    """A curve with the 95 % interval of each of its points."""

    x: Numbers
    y: Numbers
    low: Numbers
    high: Numbers


@dataclass(frozen=True, slots=True)
class Curves:
    """The curves of a model, and of the LACE proxy where the two are compared."""

    roc: Band  # false positive rate, sensitivity
    precision_recall: Band  # recall, precision
    gains: Band  # share followed up, sensitivity
    calibration: Band  # mean predicted risk of a tenth of the encounters, observed rate
    benefit: Band  # threshold, net benefit
    reference_roc: Numbers
    reference_gains: Numbers
    reference_benefit: Numbers
    treat_all: Numbers
    edges: Numbers  # of the bins of the histogram of risks
    returned: tuple[int, ...]  # encounters per bin that were followed by a readmission
    stayed_out: tuple[int, ...]  # and that were not
    quartiles: Numbers  # 25 %, 50 % and 75 % of the risks


@dataclass(frozen=True, slots=True)
class Subgroup:
    """How the model does on a part of the patients. The figures are None where there is too little to say."""

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
    """What is lost when the values of a field, or of a group of fields, are exchanged between encounters."""

    label: str
    fields: int
    auroc: Interval
    average_precision: Interval


@dataclass(frozen=True, slots=True)
class Robustness:
    """The model on the same encounters with fields hidden from it."""

    label: str
    hidden: float | None  # share of the 47 fields hidden at random; None where particular ones are
    auroc: Interval
    ece: float
    ece_floor: float
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that is known of how good a version is."""

    provenance: Provenance
    characteristics: tuple[Characteristic, ...]
    prevalence: float  # among the test encounters
    metrics: Mapping[str, Interval]  # a key of ml.evaluation.metrics.ALL_METRICS to its figure
    without_history: Mapping[str, Interval]  # the same when earlier stays are not known
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
_CURVE_DIGITS: Final = 6


def to_json(findings: Findings) -> str:
    """The findings as text, for :func:`from_json`."""
    return json.dumps(asdict(findings), indent=1)


def from_json(text: str) -> Findings:
    """The findings of a run, from its ``report.json``.

    Raises:
        BundleError: the text is not of this shape, as after a change of this module.
    """
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise BundleError(f"The report of the version cannot be read: {where or 'its text'}: {fault['msg']}.") from None


def numbers(values: Values) -> Numbers:
    """An array as the findings keep it: a tuple, rounded to what can be seen."""
    return tuple(round(float(value), _CURVE_DIGITS) for value in values)
