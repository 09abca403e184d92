"""Encodes model inputs as numeric features with lookup tables and arithmetic.

:mod:`ml.training.onnx_graph` copies the tables into the ONNX graph, so training and serving use the same features.
Unknown is -1, below all other values.

Target encoding replaces a value with many levels by its smoothed rate of readmission. In training the rates of a row
come from other patients (:mod:`ml.training.rows`), so that no row uses its own outcome.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.core.bundle import NUMBERS, TEXTS
from ml.features import icd9
from ml.features.rates import UNKNOWN_VALUE, Counts, Ids, Labels, Matrix, Rates, count
from ml.features.tables import Inputs
from ml.schema import BY_NAME, FEATURES, HISTORY, UNKNOWN, Group, Kind, canonical_icd9

_COLUMNS: Final = {column.name: column for column in (*FEATURES, *HISTORY)}
CATEGORIES: Final = tuple(name for name in TEXTS if _COLUMNS[name].kind is Kind.CATEGORY)
DIAGNOSES: Final = tuple(name for name in TEXTS if _COLUMNS[name].kind is Kind.ICD9)
PRESENT: Final = len([name for name in DIAGNOSES if name in BY_NAME])
"""Number of diagnoses of this stay; the last of :data:`DIAGNOSES` is of the previous one."""

RATED_CATEGORIES: Final = ("payer_code", "medical_specialty")
RATED_CODES: Final = ("discharge_disposition_id",)
_RATED: Final = [CATEGORIES.index(name) for name in RATED_CATEGORIES]
CODE_LIMIT: Final = 32
"""Exclusive upper bound of integer codes."""

UTILISATION: Final = ("number_outpatient", "number_emergency", "number_inpatient")
PER_DAY: Final = ("num_lab_procedures", "num_medications")
DRUGS: Final = tuple(
    n for n in CATEGORIES if _COLUMNS[n].group is Group.MEDICATIONS and "Steady" in _COLUMNS[n].allowed
)
DRUG_RANKS: Final = (1, 2)
"""Ranks in No, Steady, Up, Down from which a drug is given, and from which its dose was changed."""
MOVED_UP: Final = np.float32(50)
"""Offset of a difference, which may be negative; -1 stays reserved for unknown."""


class Encoder:
    """Feature encoder.

    Attributes:
        vocabulary: category value -> id; 0 is unknown.
        ranks: ``(len(CATEGORIES), vocabulary)``, rank of a value in the order of the schema.
        code_ids: ICD-9 code -> id; 0 is unknown.
        code_facts: ``(codes, 3 + conditions)``: order, chapter, decimals of diabetes, one column per condition.
        category_of: ``(codes,)``, id of the three-digit category of a code.
        rates: fitted on all rows.
    """

    def __init__(self) -> None:
        texts = dict.fromkeys(str(value) for name in CATEGORIES for value in _COLUMNS[name].allowed)
        self.vocabulary = {text: number for number, text in enumerate(texts, start=1)}
        self.ranks = np.full((len(CATEGORIES), len(texts) + 1), UNKNOWN_VALUE)
        for row, name in enumerate(CATEGORIES):
            for rank, value in enumerate(_COLUMNS[name].allowed):
                self.ranks[row, self.vocabulary[str(value)]] = rank
        self.code_ids: dict[str, int] = {}
        self.code_facts: Matrix = np.zeros((0, 0), dtype=np.float32)
        self.category_of: Ids = np.zeros(0, dtype=np.int64)

    def fit(self, inputs: Inputs, labels: Labels) -> "Encoder":
        """Fit the code table and the rates."""
        self.fit_codes(diagnoses_in(inputs))
        self.rates = self.count(inputs, labels).rates(self.category_of)
        return self

    def fit_codes(self, codes: set[str]) -> None:
        """Fit the code table to :func:`diagnoses_in` the training rows; :meth:`count` needs it."""
        detailed = [canonical_icd9(f"250.{decimals:02d}") for decimals in range(100)]
        keys = dict.fromkeys([*icd9.categories(), *detailed, *sorted(codes)])
        self.code_ids = {code: number for number, code in enumerate(keys, start=1)}
        places = np.array([icd9.order(code) for code in keys])
        facts = [
            (place, icd9.chapter(place), icd9.diabetes_decimals(place) + 1, *icd9.conditions(place)) for place in places
        ]
        self.code_facts = np.array([[UNKNOWN_VALUE] * len(facts[0]), *facts], dtype=np.float32)
        self.category_of = np.array([0, *(self.code_ids.get(icd9.parent(code), 0) for code in keys)])

    def count(self, inputs: Inputs, labels: Labels) -> Counts:
        """Rows and readmissions of the values that are encoded by their rate."""
        diagnoses, categories, codes = self._ids(inputs)
        return Counts(
            np.array([len(labels), labels.sum()]),
            count(diagnoses[:, :PRESENT], labels, len(self.code_facts)),
            count(categories[:, _RATED], labels, len(self.vocabulary) + 1),
            count(codes, labels, CODE_LIMIT),
        )

    def transform(self, inputs: Inputs, rates: Rates | None = None) -> Matrix:
        """Features, float32 ``(rows, features)``, named by :func:`feature_names`; by default with the fitted rates."""
        rates = self.rates if rates is None else rates
        diagnoses, categories, codes = self._ids(inputs)
        numbers = np.where(np.isnan(inputs.numbers), UNKNOWN_VALUE, inputs.numbers)
        ranks = self.ranks[np.arange(len(CATEGORIES)), categories]
        facts = self.code_facts[diagnoses]  # (rows, 4, facts)
        rated = categories[:, _RATED]
        parts = [
            numbers,
            ranks,
            facts[:, :, :2].reshape(len(inputs), -1),
            facts[:, :PRESENT, 2:].max(axis=1),
            rates.diagnoses[np.arange(PRESENT), diagnoses[:, :PRESENT]].reshape(len(inputs), -1),
            rates.categories[np.arange(len(RATED_CATEGORIES)), rated],
            rates.codes[np.arange(len(RATED_CODES)), codes],
            *_combinations(numbers, ranks, facts[:, :, 0]),
        ]
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def _ids(self, inputs: Inputs) -> tuple[Ids, Ids, Ids]:
        """Ids of diagnoses ``(rows, 4)``, categories ``(rows, C)`` and rated codes ``(rows, R)``."""
        known, diagnoses = self.code_ids, _diagnoses(inputs)
        lookup = {code: known.get(code) or known.get(icd9.parent(code), 0) for code in set(map(str, diagnoses.flat))}
        categories = _mapped(inputs.texts[:, [TEXTS.index(name) for name in CATEGORIES]], self.vocabulary)
        codes = inputs.numbers[:, [NUMBERS.index(name) for name in RATED_CODES]]
        rated_codes = np.clip(np.nan_to_num(codes, nan=0), 0, CODE_LIMIT - 1).astype(np.int64)
        return _mapped(diagnoses, lookup), categories, rated_codes


def feature_names() -> tuple[str, ...]:
    """Names of the features; the part before a colon is the input they derive from."""
    return (
        *NUMBERS,
        *CATEGORIES,
        *(f"{name}:{fact}" for name in DIAGNOSES for fact in ("order", "chapter")),
        *(f"diagnoses:{fact}" for fact in ("diabetes_decimals", *icd9.CONDITIONS)),
        *(f"{name}:{rate}" for name in DIAGNOSES[:PRESENT] for rate in ("code_rate", "category_rate")),
        *(f"{name}:rate" for name in (*RATED_CATEGORIES, *RATED_CODES)),
        "utilisation:sum",
        *(f"{name}:per_day" for name in PER_DAY),
        *("number_inpatient:change", "diag_1:distance_from_previous", "drugs:given", "drugs:changed"),
    )


def _combinations(numbers: Matrix, ranks: Matrix, places: Matrix) -> Iterator[Matrix]:

    def number(name: str) -> Matrix:
        return numbers[:, [NUMBERS.index(name)]]

    used = numbers[:, [NUMBERS.index(name) for name in UTILISATION]]
    yield np.where((used >= 0).all(axis=1, keepdims=True), used.sum(axis=1, keepdims=True), UNKNOWN_VALUE)
    days = number("time_in_hospital")
    for name in PER_DAY:
        count = number(name)
        yield np.where((count >= 0) & (days >= 0), count / np.maximum(days, np.float32(1)), UNKNOWN_VALUE)
    now, before = number("number_inpatient"), number("previous_inpatient")
    yield np.where((now >= 0) & (before >= 0), now - before + MOVED_UP, UNKNOWN_VALUE)
    place, previous = places[:, [0]], places[:, [PRESENT]]
    yield np.where((place >= 0) & (previous >= 0), np.abs(place - previous), UNKNOWN_VALUE)
    drugs = ranks[:, [CATEGORIES.index(name) for name in DRUGS]]
    for least in DRUG_RANKS:
        yield (drugs >= least).sum(axis=1, keepdims=True, dtype=np.float32)


def diagnoses_in(inputs: Inputs) -> set[str]:
    """Distinct known diagnoses of some rows."""
    return set(_diagnoses(inputs).ravel().tolist()) - {UNKNOWN}


def _diagnoses(inputs: Inputs) -> NDArray[np.object_]:
    return inputs.texts[:, [TEXTS.index(name) for name in DIAGNOSES]]


def _mapped(texts: NDArray[np.object_], ids: dict[str, int]) -> Ids:
    return np.array([ids.get(str(text), 0) for text in texts.flat], dtype=np.int64).reshape(texts.shape)
