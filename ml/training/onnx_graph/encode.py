"""The encoder as ONNX nodes: the same tables and the same arithmetic as :mod:`ml.features.encoder`, to the last bit.

For a single record a node costs the same whatever it does, so what can be done to many columns at once is: sums and
differences are products with a matrix of 0, 1 and -1, which are exact for whole numbers.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from ml.core.bundle import NUMBERS, TEXTS
from ml.features.encoder import (
    CATEGORIES,
    CODE_LIMIT,
    DIAGNOSES,
    DRUG_RANKS,
    DRUGS,
    MOVED_UP,
    PER_DAY,
    PRESENT,
    RATED_CATEGORIES,
    RATED_CODES,
    UNKNOWN_VALUE,
    UTILISATION,
    Encoder,
)
from ml.training.onnx_graph.nodes import ML_DOMAIN, Nodes, Tensor

_FACTS: Final = 2
"""Facts of a code that stay apart for each diagnosis: order and chapter. The others are joined over this stay's."""


def encode(graph: Nodes, encoder: Encoder) -> Tensor:
    """Add the nodes from ``texts`` and ``numbers`` to the matrix of :meth:`ml.features.encoder.Encoder.transform`."""
    missing = graph.add("IsNaN", "numbers")
    numbers = _known_or(graph, missing, "numbers")
    categories = _ids(graph, graph.columns("texts", [TEXTS.index(n) for n in CATEGORIES]), encoder.vocabulary)
    ranks, drugs = _ranks(graph, encoder, categories)
    diagnoses = _diagnosis_ids(graph, encoder)
    present = graph.columns(diagnoses, range(PRESENT))
    own = graph.add("Gather", graph.constant(encoder.code_facts[:, :_FACTS]), diagnoses, axis=0)  # (rows, 4, 2)
    own = graph.reshape(own, -1, len(DIAGNOSES) * _FACTS)
    joined = graph.add("Gather", graph.constant(encoder.code_facts[:, _FACTS:]), present, axis=0)
    rated = graph.columns(categories, [CATEGORIES.index(name) for name in RATED_CATEGORIES])
    parts = [
        numbers,
        ranks,
        own,
        graph.add("ReduceMax", joined, graph.constant([1]), keepdims=0),
        graph.reshape(_looked_up(graph, encoder.rates.diagnoses, present), -1, PRESENT * 2),
        _looked_up(graph, encoder.rates.categories, rated),
        _looked_up(graph, encoder.rates.codes, _code_ids(graph, numbers)),
        _of_numbers(graph, numbers, missing),
        _distance(graph, own),
        drugs,
    ]
    return graph.add("Concat", *parts, axis=1)


def _known_or(graph: Nodes, missing: Tensor, values: Tensor) -> Tensor:
    return graph.add("Where", missing, graph.constant(float(UNKNOWN_VALUE)), values)


def _ids(graph: Nodes, texts: Tensor, ids: Mapping[str, int]) -> Tensor:
    return graph.add(
        "LabelEncoder",
        texts,
        domain=ML_DOMAIN,
        keys_strings=list(ids),
        values_int64s=list(ids.values()),
        default_int64=0,
    )


def _diagnosis_ids(graph: Nodes, encoder: Encoder) -> Tensor:
    """Ids of the codes; a code that training never saw goes by its category, the part before the point."""
    texts = graph.columns("texts", [TEXTS.index(name) for name in DIAGNOSES])
    exact = _ids(graph, texts, encoder.code_ids)
    parts = graph.add("StringSplit", texts, delimiter=".", maxsplit=1, output=None)
    graph.nodes[-1].output.append("parts_of_code")  # the operator's second output, unused
    category = _ids(graph, graph.add("Gather", parts, graph.constant(np.array(0)), axis=2), encoder.code_ids)
    return graph.add("Where", graph.add("Equal", exact, graph.constant(np.array(0))), category, exact)


def _looked_up(graph: Nodes, table: NDArray[Any], ids: Tensor) -> Tensor:
    """Row by row and column by column: ``table[column, ids[row, column]]``."""
    columns, size = table.shape[:2]
    place = graph.add("Add", ids, graph.constant(np.arange(columns) * size))
    return graph.add("Gather", graph.constant(table.reshape(columns * size, *table.shape[2:])), place, axis=0)


def _ranks(graph: Nodes, encoder: Encoder, categories: Tensor) -> tuple[Tensor, Tensor]:
    """The rank of every category, and how many drugs are given at all and how many were changed, ``(rows, 2)``."""
    reached = np.stack([encoder.ranks >= least for least in DRUG_RANKS], axis=-1)
    reached[[name not in DRUGS for name in CATEGORIES]] = False
    table = np.concatenate([encoder.ranks[..., None], reached], axis=-1, dtype=np.float32)
    found = _looked_up(graph, table, categories)  # (rows, categories, 3)
    counts = graph.add("ReduceSum", found, graph.constant([1]), keepdims=0)
    return graph.add("Gather", found, graph.constant(np.array(0)), axis=2), graph.columns(counts, [1, 2])


def _code_ids(graph: Nodes, numbers: Tensor) -> Tensor:
    codes = graph.columns(numbers, [NUMBERS.index(name) for name in RATED_CODES])
    bounded = graph.add("Clip", codes, graph.constant(0.0), graph.constant(float(CODE_LIMIT - 1)))  # unknown is 0
    return graph.add("Cast", bounded, to=TensorProto.INT64)


def _of_numbers(graph: Nodes, numbers: Tensor, missing: Tensor) -> Tensor:
    """The combinations of counts: each is a sum of some, divided by another or by 1, and unknown if any of them is."""
    sums = [
        (dict.fromkeys(UTILISATION, 1), None, 0.0),
        *(({name: 1}, "time_in_hospital", 0.0) for name in PER_DAY),
        ({"number_inpatient": 1, "previous_inpatient": -1}, None, MOVED_UP),
    ]
    summed, divisors, needed = (np.zeros((len(NUMBERS), len(sums)), dtype=np.float32) for _ in range(3))
    for column, (terms, divisor, _) in enumerate(sums):
        for name, sign in terms.items():
            summed[NUMBERS.index(name), column] = sign
            needed[NUMBERS.index(name), column] = 1
        if divisor is not None:
            divisors[NUMBERS.index(divisor), column] = needed[NUMBERS.index(divisor), column] = 1
    divisor = graph.add("Max", graph.add("MatMul", numbers, graph.constant(divisors)), graph.constant(1.0))
    values = graph.add("Div", graph.add("MatMul", numbers, graph.constant(summed)), divisor)
    values = graph.add("Add", values, graph.constant(np.array([moved for *_, moved in sums], dtype=np.float32)))
    lacking = graph.add("MatMul", graph.add("Cast", missing, to=TensorProto.FLOAT), graph.constant(needed))
    return _known_or(graph, graph.add("Greater", lacking, graph.constant(0.0)), values)


def _distance(graph: Nodes, own: Tensor) -> Tensor:
    """How far the first diagnosis lies from that of the stay before, in the order of the codes."""
    places = graph.columns(own, [0, PRESENT * _FACTS])
    apart = graph.add("Abs", graph.add("MatMul", places, graph.constant(np.array([[1.0], [-1.0]]))))
    least = graph.add("ReduceMin", places, graph.constant([1]), keepdims=1)
    return _known_or(graph, graph.add("Less", least, graph.constant(0.0)), apart)
