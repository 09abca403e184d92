"""Inputs and output of the graph, and the encoding of records."""

import math
from collections.abc import Sequence
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


def _drop_unknown(record: Record) -> Record:
    return {name: value for name, value in record.items() if value is not None}
