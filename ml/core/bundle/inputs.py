"""Inputs and output of the graph, and the encoding of records."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ml.schema import INPUTS, UNKNOWN, Record

OUTPUT: Final = "probability"

TEXTS: Final = tuple(column.name for column in INPUTS if not column.is_number)
NUMBERS: Final = tuple(column.name for column in INPUTS if column.is_number)
"""Columns of the graph's two inputs, ``texts`` and ``numbers``, in order."""

_UNKNOWN_TEXTS: Final = (UNKNOWN,) * len(TEXTS)
_UNKNOWN_NUMBERS: Final = (math.nan,) * len(NUMBERS)


def encode(records: Sequence[Record]) -> dict[str, NDArray[Any]]:
    """Encode records as inputs of the graph: ``texts`` ``(n, len(TEXTS))`` and ``numbers`` ``(n, len(NUMBERS))``.

    An unknown value is ``"?"`` in ``texts`` and NaN in ``numbers``.
    """
    known = [record if None not in record.values() else _drop_unknown(record) for record in records]
    texts = [list(map(record.get, TEXTS, _UNKNOWN_TEXTS)) for record in known]
    numbers = [list(map(record.get, NUMBERS, _UNKNOWN_NUMBERS)) for record in known]
    return {"texts": np.array(texts, dtype=object), "numbers": np.array(numbers, dtype=np.float32)}


def encode_columns(values: Mapping[str, Sequence[Any]], rows: int) -> dict[str, NDArray[Any]]:
    """Encode records that are given by column; see :func:`encode`.

    ``values`` has for each known input a list of length ``rows``, with None where it is unknown.
    """
    texts = np.full((rows, len(TEXTS)), UNKNOWN, dtype=object)
    numbers = np.full((rows, len(NUMBERS)), np.nan, dtype=np.float32)
    for place, name in enumerate(TEXTS):
        if name in values:
            column = values[name]
            texts[:, place] = [UNKNOWN if value is None else value for value in column] if None in column else column
    for place, name in enumerate(NUMBERS):
        if name in values:
            numbers[:, place] = values[name]  # None becomes NaN
    return {"texts": texts, "numbers": numbers}


def _drop_unknown(record: Record) -> Record:
    return {name: value for name, value in record.items() if value is not None}
