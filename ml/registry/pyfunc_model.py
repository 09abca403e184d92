"""The registered model for MLflow's users: predicts from a DataFrame with any of the columns of the data set.

A version carries copies of this module, ``ml.core`` and ``ml.schema``, and ``mlflow.pyfunc.load_model`` imports those.
The API does not use this module: it downloads the bundle only.
"""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST
from numpy.typing import NDArray

from ml.core.bundle import Bundle, load_bundle
from ml.schema import FEATURES, UNKNOWN, Column, Kind, Missing, Record

log = logging.getLogger(__name__)

MAX_FAULTS: Final = 5
"""Invalid values that an error names; the others are counted."""

_NOT_MEASURED: Final = tuple(column.name for column in FEATURES if column.missing is Missing.NOT_MEASURED)


class ReadmissionModel:
    """Predicts as the API does for records without ``patient_nbr``: the history is unknown."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def predict(self, model_input: pd.DataFrame) -> NDArray[np.float64]:
        """Probability of readmission within 30 days, shape ``(len(model_input),)``.

        Raises:
            MlflowException: values are invalid, or no column is one of the data set.
        """
        return self._bundle.predict(records_of(model_input)).astype(np.float64)


def _load_pyfunc(path: str) -> ReadmissionModel:
    """Called by ``mlflow.pyfunc.load_model`` with the directory of the version."""
    return ReadmissionModel(load_bundle(Path(path)))


def records_of(table: pd.DataFrame) -> list[Record]:
    """Records with canonical values; absent columns, NaN, None, empty text and ``"?"`` are unknown.

    Raises:
        MlflowException: values are invalid, or no column is one of the data set.
    """
    if table.empty:
        raise MlflowException("The input has no row, or none of the columns of the data set.", BAD_REQUEST)
    faults: list[str] = []
    columns: dict[str, list[str | int | None]] = {}
    for column in FEATURES:
        if column.name in table:
            columns[column.name] = list(_parsed(column, _python_values(table[column.name]), faults))
    if faults:
        more = f"; {len(faults) - MAX_FAULTS} more" if len(faults) > MAX_FAULTS else ""
        raise MlflowException(f"Invalid values: {'; '.join(faults[:MAX_FAULTS])}{more}.", BAD_REQUEST)
    _warn_of_lost_none(columns)
    if not columns:
        return [{}] * len(table)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _python_values(values: "pd.Series[Any]") -> list[Any]:
    return values.astype(object).where(values.notna(), None).tolist()


def _parsed(column: Column, values: list[Any], faults: list[str]) -> Iterator[str | int | None]:
    """Canonical values; None for an invalid one, which is described in ``faults``."""
    for row, value in enumerate(values):
        try:
            yield _parse(column, value)
        except ValueError as error:
            faults.append(f"row {row}, {column.name}: {error}")
            yield None


def _parse(column: Column, value: Any) -> str | int | None:
    if isinstance(value, str):
        value = value.strip()
    if value is None or value in ("", UNKNOWN):
        return None
    if column.is_number:
        value = _whole(value)
    elif column.kind is Kind.ICD9 and type(value) in (int, float):
        value = f"{value:g}"  # pandas reads a column of codes without V and E as numbers
    return column.canonical(value)


def _whole(value: Any) -> Any:
    """An integer for 3.0, "3" and "3.0", which pandas and numpy make of 3 in a column with gaps or texts."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return value
    return int(number) if number.is_integer() and type(value) is not bool else value


def _warn_of_lost_none(columns: dict[str, list[str | int | None]]) -> None:
    """Warn if ``None`` (not measured) of the laboratory columns was probably read as NaN (unknown)."""
    values = {value for name in _NOT_MEASURED for value in columns.get(name, ())}
    if None in values and "None" not in values and len(values) > 1:
        log.warning(
            "%s hold no 'None' (not measured), only unknown values: pandas reads None in a file as NaN; read the file "
            "with keep_default_na=False.",
            " and ".join(_NOT_MEASURED),
        )
