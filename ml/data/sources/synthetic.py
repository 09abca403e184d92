"""Synthetic cohort: the 50 columns of the delivered file, any number of rows.

Each column has the marginal frequencies of the genuine data. A Gaussian copula over four latent factors (age and
frailty of the patient, severity and urgency of the stay) correlates the columns; the outcome depends on the record
and chance, such that a sound model reaches an AUROC of 0.62 to 0.72. For demonstrations and tests only.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.schema import CANNOT_BE_READMITTED, COLUMN_NAMES, FEATURES, GENUINE_ROWS, TARGET, UNKNOWN, Group, Kind
from ml.schema.marginals import MARGINALS

Numbers = NDArray[np.float64]
Texts = NDArray[Any]
Factors = Mapping[str, Numbers]

BLOCK: Final = 10_000
"""Rows of a block. Each block has its own random stream, so a larger cohort begins with the blocks of a smaller one.
All stays of a patient are in one block."""

_ENCOUNTERS: Final = {1: 54_745, 2: 10_434, 3: 3_328, 4: 1_421, 5: 717, 6: 346, 7: 207, 8: 111, 10: 130, 14: 50, 20: 29}
"""Encounters of a patient -> number of such patients in the genuine data; the tail is binned."""

_FRAILTY_CORRELATION: Final = 0.6
"""Correlation of a patient's frailty with the number of encounters."""

_LOADS: Final[Mapping[str, Mapping[str, float]]] = {
    "age": {"age": 1.0},
    "admission_type_id": {"urgency": 0.85},
    "admission_source_id": {"urgency": 0.85},
    "discharge_disposition_id": {"age": 0.35, "severity": 0.35},
    "time_in_hospital": {"severity": 0.75, "age": 0.1},
    "payer_code": {"age": 0.6},
    "num_lab_procedures": {"severity": 0.45, "urgency": 0.25},
    "num_procedures": {"severity": 0.3, "urgency": -0.25},
    "num_medications": {"severity": 0.65, "frailty": 0.1},
    "number_outpatient": {"frailty": 0.4},
    "number_emergency": {"frailty": 0.6, "age": -0.1},
    "number_inpatient": {"frailty": 0.8},
    "number_diagnoses": {"age": 0.25, "severity": 0.35, "frailty": 0.15},
    "insulin": {"severity": 0.2},
}
"""Loading of each column on the latent factors; other columns are independent of them."""

# fmt: off
_ORDER: Final[Mapping[str, tuple[str, ...]]] = {
    "age": tuple(f"[{start}-{start + 10})" for start in range(0, 100, 10)),
    "admission_type_id": ("3", "5", "6", "8", "2", "4", "7", "1"),
    "admission_source_id": (
        "1", "2", "3", "17", "9", "20", "22", "25", "11", "13", "14", "8", "4", "6", "10", "5", "7",
    ),
    "discharge_disposition_id": (
        "1", "7", "10", "12", "16", "17", "27", "18", "25", "6", "8", "28", "9", "2", "5", "22", "15", "4", "24",
        "3", "23", "13", "14", "19", "20", "11",
    ),
    "payer_code": (
        "MD", "DM", "SI", "SP", "FR", "WC", "CM", "PO", "CP", "BC", "HM", "UN", "OT", "CH", "OG", "MP", "MC",
    ),
    "insulin": ("No", "Steady", "Down", "Up"),
}
# fmt: on
"""Values of categorical columns, from the low to the high end of their factors."""

_UNKNOWN_DIAGNOSES: Final = {"diag_1": 21, "diag_2": 358, "diag_3": 1_423}
_OTHER_DIAGNOSES: Final = (*(str(code) for code in range(140, 1000)), *(f"V{code}" for code in range(10, 87)))
"""Represent the rarer codes, which are not in the marginal frequencies."""

# fmt: off
_DISPOSITION_RISK: Final = {"2": 0.4, "3": 0.3, "4": 0.15, "5": 0.7, "6": 0.15, "7": 0.3, "22": 1.1, "28": 1.1}
_DIAGNOSIS_RISK: Final = {
    "250.6": 0.5, "434": 0.4, "585": 0.4, "403": 0.4, "820": 0.35, "707": 0.3, "428": 0.25, "584": 0.25, "996": 0.2,
    "276": 0.15, "491": 0.15, "250.02": 0.1, "427": -0.1, "682": -0.1, "493": -0.2, "414": -0.25, "250": -0.35,
    "272": -0.4, "401": -0.4, "435": -0.4, "786": -0.45,
}
# fmt: on
_INSULIN_RISK: Final = {"Up": 0.2, "Down": 0.2, "No": -0.1}

_STRENGTH: Final = 0.6
"""Scale of the log-odds; sets the AUROC."""

_DRUGS: Final = tuple(
    column.name for column in FEATURES if column.group is Group.MEDICATIONS and "Steady" in column.allowed
)


@dataclass(frozen=True)
class _Levels:
    """Ordered values of one column with their cut points on a standard normal."""

    values: Texts
    cuts: Numbers
    unknown: float = 0.0  # share of "?", independent of the factors
    loads: Mapping[str, float] = field(default_factory=dict)

    def draw(self, rng: np.random.Generator, factors: Factors) -> Texts:
        """Draw one value per row."""
        size = len(factors["age"])
        rest = 1.0 - sum(load**2 for load in self.loads.values())
        score = np.sqrt(max(rest, 0.0)) * rng.standard_normal(size)
        for name, load in self.loads.items():
            score += load * factors[name]
        texts: Texts = self.values[np.searchsorted(self.cuts, score)]
        if self.unknown:
            texts[rng.random(size) < self.unknown] = UNKNOWN
        return texts


def generate(count: int, seed: int) -> Iterator[pd.DataFrame]:
    """Generate a cohort of ``count`` rows, in frames of at most :data:`BLOCK`.

    Yields:
        The 50 columns as text, as the delivered csv reads with ``dtype=str`` and ``keep_default_na=False``: "?" is
        unknown, "None" in the two laboratory columns is not measured.
    """
    for start in range(0, count, BLOCK):
        yield _block(start, min(BLOCK, count - start), seed)


def write_csv(path: Path, count: int, seed: int) -> None:
    """Write a cohort in the form of the delivered csv, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as scratch:
        partial = Path(scratch, path.name)
        with partial.open("w", encoding="utf-8", newline="") as file:
            pd.DataFrame(columns=list(COLUMN_NAMES)).to_csv(file, index=False, lineterminator="\r\n")
            for block in generate(count, seed):
                block.to_csv(file, index=False, header=False, lineterminator="\r\n")
        partial.replace(path)


def _block(start: int, size: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng([seed, start // BLOCK])
    patients, frailty = _stays(rng, size)
    again = np.asarray(pd.Series(patients).duplicated(keep="last"))  # the patient has a later stay
    factors = {
        "age": rng.standard_normal(size)[patients],
        "frailty": frailty,
        "severity": rng.standard_normal(size),
        "urgency": rng.standard_normal(size),
    }
    table = {name: levels.draw(rng, factors) for name, levels in _LEVELS.items()}
    for name, before in (("diag_2", ["diag_1"]), ("diag_3", ["diag_1", "diag_2"])):  # avoid repeated diagnoses
        twice = np.any([table[name] == table[other] for other in before], axis=0)
        table[name] = np.where(twice, _LEVELS[name].draw(rng, factors), table[name])
    for name in ("race", "gender"):  # constant over the stays of a patient
        table[name] = table[name][patients]
    _make_consistent(table, again)
    table[TARGET] = _outcome(rng, table, again)
    table["encounter_id"] = 10_000 + 4_000 * np.arange(start, start + size) + rng.integers(4_000, size=size)
    table["patient_nbr"] = (1 + 1_500 * np.arange(start, start + size) + rng.integers(1_500, size=size))[patients]
    return pd.DataFrame({name: table[name] for name in COLUMN_NAMES}).astype("str")


def _stays(rng: np.random.Generator, size: int) -> tuple[NDArray[np.int64], Numbers]:
    """Patient of each row (0, 1, …) and the patient's frailty, which grows with the number of stays."""
    often = np.array(list(_ENCOUNTERS))
    patients = np.array(list(_ENCOUNTERS.values()), dtype=float)
    shares = often * patients / (often @ patients)  # of the rows, not of the patients
    lean = np.array([NormalDist().inv_cdf(middle) for middle in np.cumsum(shares) - shares / 2])
    lean = (lean - shares @ lean) / np.sqrt(shares @ lean**2 - (shares @ lean) ** 2)
    kind = rng.choice(len(often), size=size, p=patients / patients.sum())
    frailty = _FRAILTY_CORRELATION * lean[kind] + np.sqrt(1 - _FRAILTY_CORRELATION**2) * rng.standard_normal(size)
    owner = np.repeat(np.arange(size), often[kind])[:size]
    rng.shuffle(owner)
    return owner, frailty[owner]


def _make_consistent(table: dict[str, Texts], again: NDArray[np.bool_]) -> None:
    table["discharge_disposition_id"][_excluded(table) & again] = "1"
    doses = np.stack([table[name] for name in _DRUGS])
    given = (doses != "No").sum(axis=0)
    changed = np.isin(doses, ("Up", "Down")).any(axis=0) | (given > 1)
    table["change"] = np.where(changed, "Ch", "No").astype(object)
    table["diabetesMed"] = np.where(given > 0, "Yes", "No").astype(object)


def _outcome(rng: np.random.Generator, table: Mapping[str, Texts], again: NDArray[np.bool_]) -> Texts:
    risk = _STRENGTH * _risk(table)
    returns = rng.random(len(risk)) < _logistic(-1.08 + risk + 5.3 * again)
    early = rng.random(len(risk)) < _logistic(-1.5 + risk + 0.4 * again)
    outcome = np.where(returns, np.where(early, "<30", ">30"), "NO").astype(object)
    outcome[_excluded(table)] = "NO"
    return outcome


def _risk(table: Mapping[str, Texts]) -> Numbers:
    """Log-odds of a return given the record; mean about 0."""

    def number(name: str) -> Numbers:
        return table[name].astype(np.float64)

    def effect(name: str, effects: Mapping[str, float]) -> Numbers:
        return np.array([effects.get(text, 0.0) for text in table[name]])

    risk = 0.7 * np.log1p(number("number_inpatient")) + 0.45 * np.log1p(number("number_emergency")) - 0.35
    risk += effect("discharge_disposition_id", _DISPOSITION_RISK) - 0.1
    risk += sum(effect(f"diag_{rank}", _DIAGNOSIS_RISK) for rank in (1, 2, 3))
    risk += effect("insulin", _INSULIN_RISK)
    risk += 0.03 * (number("time_in_hospital") - 4.4) + 0.01 * (number("num_medications") - 16)
    risk += 0.06 * (number("number_diagnoses") - 7.4)
    risk += 0.03 * (np.array([int(text[1:-1].split("-")[0]) for text in table["age"]]) / 10 - 6)
    return risk


def _excluded(table: Mapping[str, Texts]) -> NDArray[np.bool_]:
    return np.isin(table["discharge_disposition_id"], [str(code) for code in CANNOT_BE_READMITTED])


def _logistic(score: Numbers) -> Numbers:
    return np.asarray(1 / (1 + np.exp(-score)))


def _levels(name: str, is_diagnosis: bool) -> _Levels:
    counts: dict[str, float] = {str(value): count for value, count in MARGINALS[name].items()}
    if is_diagnosis:
        counts[UNKNOWN] = _UNKNOWN_DIAGNOSES[name]
        others = [code for code in _OTHER_DIAGNOSES if code not in counts]
        rest = GENUINE_ROWS - sum(counts.values())
        counts |= dict.fromkeys(others, rest / len(others))
    total = sum(counts.values())
    unknown = counts.pop(UNKNOWN, 0) / total
    order = _ORDER.get(name, tuple(counts))
    counts = {value: counts[value] for value in order}
    shares = np.cumsum(list(counts.values()))[:-1] / sum(counts.values())
    cuts = np.array([NormalDist().inv_cdf(share) for share in shares])
    return _Levels(np.array(order, dtype=object), cuts, unknown, _LOADS.get(name, {}))


_LEVELS: Final = {
    column.name: _levels(column.name, column.kind is Kind.ICD9)
    for column in FEATURES
    if column.name not in ("change", "diabetesMed")
}
