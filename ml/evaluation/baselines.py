"""Baselines: prevalence, number of inpatient stays, logistic regression, LACE, HOSPITAL.

Each is fitted on training patients and predicts probabilities, so that it is evaluated like a model.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ml.evaluation.clinical_scores import HOSPITAL_FIELDS, LACE_FIELDS, hospital_points, icd9_group, lace_points
from ml.evaluation.metrics import Values
from ml.features.records import RECORDS_AT_ONCE
from ml.features.tables import in_parts, target
from ml.schema import FEATURES, UNKNOWN, Kind, Record

Predictor = Callable[[pd.DataFrame], Values]
"""From a table of encounters to probabilities, shape ``(rows,)``."""

PENALTY: Final = 1.0
"""Inverse strength of the penalty: the default of scikit-learn, not tuned."""
RARE: Final = 20
"""Categories of fewer training encounters share one coefficient."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline: its display name, and the function that fits it on a table of training encounters."""

    name: str
    fit: Callable[[pd.DataFrame], Predictor]


def fit_prevalence(train: pd.DataFrame) -> Predictor:
    """The prevalence of the training data for everyone."""
    prevalence = float(target(train).mean())
    return lambda table: np.full(len(table), prevalence)


def fit_number_inpatient(train: pd.DataFrame) -> Predictor:
    """Isotonic regression on the inpatient stays of the year before; the prevalence where their number is unknown."""
    stays, labels = _number_inpatient(train), target(train)
    known, prevalence = ~np.isnan(stays), float(labels.mean())
    rates = IsotonicRegression(out_of_bounds="clip").fit(stays[known], labels[known])

    def predict(table: pd.DataFrame) -> Values:
        stays = _number_inpatient(table)
        return np.where(np.isnan(stays), prevalence, rates.predict(np.nan_to_num(stays)))

    return predict


def fit_logistic_regression(train: pd.DataFrame) -> Predictor:
    """Logistic regression on the 47 fields: counts scaled, other fields one-hot, diagnoses by Strack's groups."""
    counts = [c.name for c in FEATURES if c.kind is Kind.COUNT]
    others = [c.name for c in FEATURES if c.kind is not Kind.COUNT]
    model = make_pipeline(
        ColumnTransformer(
            [
                ("counts", make_pipeline(SimpleImputer(), StandardScaler()), counts),
                ("others", OneHotEncoder(min_frequency=RARE, handle_unknown="infrequent_if_exist"), others),
            ]
        ),
        LogisticRegression(C=PENALTY, max_iter=1_000),
    ).fit(_grouped(train), target(train))
    return lambda table: model.predict_proba(_grouped(table))[:, 1]


def fit_score(points: Callable[[Record], int], fields: tuple[str, ...], train: pd.DataFrame) -> Predictor:
    """A clinical score, from a function of the columns ``fields``, calibrated by unpenalised logistic regression."""
    model = LogisticRegression(C=np.inf).fit(points_of(points, fields, train)[:, None], target(train))
    return lambda table: model.predict_proba(points_of(points, fields, table)[:, None])[:, 1]


def points_of(points: Callable[[Record], int], fields: tuple[str, ...], table: pd.DataFrame) -> Values:
    """Points of each encounter, shape ``(rows,)``."""

    def of_part(part: pd.DataFrame) -> Values:
        columns = part.astype(object)
        records: list[dict[str, Any]] = columns.where(columns.notna(), None).to_dict("records")  # type: ignore[assignment]
        return np.array([points(record) for record in records], dtype=np.float64)

    return np.concatenate([of_part(part) for part in in_parts(table[list(fields)], RECORDS_AT_ONCE)])


BASELINES: Final[Mapping[str, Baseline]] = {
    "prevalence": Baseline("Prevalence", fit_prevalence),
    "number_inpatient": Baseline("Inpatient stays alone", fit_number_inpatient),
    "lace": Baseline("LACE proxy", lambda train: fit_score(lace_points, LACE_FIELDS, train)),
    "hospital": Baseline("HOSPITAL proxy", lambda train: fit_score(hospital_points, HOSPITAL_FIELDS, train)),
    "logistic_regression": Baseline("Logistic regression", fit_logistic_regression),
}


def _number_inpatient(table: pd.DataFrame) -> Values:
    return table["number_inpatient"].to_numpy(dtype=np.float64, na_value=np.nan)


def _grouped(table: pd.DataFrame) -> pd.DataFrame:
    """The 47 fields with diagnoses by group; an unknown text is a category of its own."""
    columns: dict[str, Any] = {}
    for field in FEATURES:
        values = table[field.name] if field.is_number else table[field.name].astype(object).fillna(UNKNOWN)
        columns[field.name] = values.map(icd9_group) if field.kind is Kind.ICD9 else values
    return pd.DataFrame(columns)
