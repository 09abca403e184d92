"""The encoder as ONNX nodes, with bitwise the same results as :mod:`ml.features.encoder`.

For a single record every node costs about the same, so one node handles many columns: sums and differences are
products with a matrix of 0, 1 and -1, which are exact for whole numbers.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from ml.core.bundle import NUMBERS, TEXTS
from ml.features import encoder as features
from ml.features.rates import UNKNOWN_VALUE
from ml.training.onnx_graph.nodes import ML_DOMAIN, Nodes, Tensor

_FACTS: Final = 2
"""Facts of each diagnosis code: order and chapter. The further facts are the maximum over the diagnoses of the stay."""


def encode(graph: Nodes, encoder: features.Encoder) -> Tensor:
    """Add the nodes that compute :meth:`ml.features.encoder.Encoder.transform` from ``texts`` and ``numbers``."""
    missing = graph.add("IsNaN", "numbers")
    numbers = _unknown_where(graph, missing, "numbers")
    categories = _ids(graph, graph.columns("texts", [TEXTS.index(n) for n in features.CATEGORIES]), encoder.vocabulary)
    ranks, drugs = _ranks(graph, encoder, categories)
    diagnoses = _diagnosis_ids(graph, encoder)
    present = graph.columns(diagnoses, range(features.PRESENT))
    own = graph.add("Gather", graph.constant(encoder.code_facts[:, :_FACTS]), diagnoses, axis=0)  # (rows, 4, 2)
    own = graph.reshape(own, -1, len(features.DIAGNOSES) * _FACTS)
    further = graph.add("Gather", graph.constant(encoder.code_facts[:, _FACTS:]), present, axis=0)
    rated = graph.columns(categories, [features.CATEGORIES.index(name) for name in features.RATED_CATEGORIES])
    parts = [
        numbers,
        ranks,
        own,
        graph.add("ReduceMax", further, graph.constant([1]), keepdims=0),
        graph.reshape(_lookup(graph, encoder.rates.diagnoses, present), -1, features.PRESENT * 2),
        _lookup(graph, encoder.rates.categories, rated),
        _lookup(graph, encoder.rates.codes, _code_ids(graph, numbers)),
        _combinations(graph, numbers, missing),
        _distance(graph, own),
        drugs,
    ]
    return graph.add("Concat", *parts, axis=1)


def _unknown_where(graph: Nodes, missing: Tensor, values: Tensor) -> Tensor:
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


def _diagnosis_ids(graph: Nodes, encoder: features.Encoder) -> Tensor:
    """Ids of the codes; one that does not occur in training has the id of its category, the part before the point."""
    texts = graph.columns("texts", [TEXTS.index(name) for name in features.DIAGNOSES])
    exact = _ids(graph, texts, encoder.code_ids)
    parts = graph.add("StringSplit", texts, delimiter=".", maxsplit=1, output=None)
    graph.nodes[-1].output.append("parts_of_code")  # the unused second output of the operator
    category = _ids(graph, graph.add("Gather", parts, graph.constant(np.array(0)), axis=2), encoder.code_ids)
    return graph.add("Where", graph.add("Equal", exact, graph.constant(np.array(0))), category, exact)


def _lookup(graph: Nodes, table: NDArray[Any], ids: Tensor) -> Tensor:
    """``table[column, ids[row, column]]`` for each row and column."""
    columns, size = table.shape[:2]
    index = graph.add("Add", ids, graph.constant(np.arange(columns) * size))
    return graph.add("Gather", graph.constant(table.reshape(columns * size, *table.shape[2:])), index, axis=0)


def _ranks(graph: Nodes, encoder: features.Encoder, categories: Tensor) -> tuple[Tensor, Tensor]:
    """The rank of every category, and the numbers of drugs that are given and that were changed, ``(rows, 2)``."""
    reached = np.stack([encoder.ranks >= least for least in features.DRUG_RANKS], axis=-1)
    reached[[name not in features.DRUGS for name in features.CATEGORIES]] = False
    table = np.concatenate([encoder.ranks[..., None], reached], axis=-1, dtype=np.float32)
    ranks = _lookup(graph, table, categories)  # (rows, categories, 3)
    counts = graph.add("ReduceSum", ranks, graph.constant([1]), keepdims=0)
    return graph.add("Gather", ranks, graph.constant(np.array(0)), axis=2), graph.columns(counts, [1, 2])


def _code_ids(graph: Nodes, numbers: Tensor) -> Tensor:
    codes = graph.columns(numbers, [NUMBERS.index(name) for name in features.RATED_CODES])
    largest = graph.constant(float(features.CODE_LIMIT - 1))
    bounded = graph.add("Clip", codes, graph.constant(0.0), largest)  # unknown becomes 0
    return graph.add("Cast", bounded, to=TensorProto.INT64)


def _combinations(graph: Nodes, numbers: Tensor, missing: Tensor) -> Tensor:
    """Combinations of counts: a sum, divided by another count or by 1; unknown if any of the counts is."""
    sums = [
        (dict.fromkeys(features.UTILISATION, 1), None, 0.0),
        *(({name: 1}, "time_in_hospital", 0.0) for name in features.PER_DAY),
        ({"number_inpatient": 1, "previous_inpatient": -1}, None, features.MOVED_UP),
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
    values = graph.add("Add", values, graph.constant(np.array([constant for *_, constant in sums], dtype=np.float32)))
    unknown = graph.add("MatMul", graph.add("Cast", missing, to=TensorProto.FLOAT), graph.constant(needed))
    return _unknown_where(graph, graph.add("Greater", unknown, graph.constant(0.0)), values)


def _distance(graph: Nodes, own: Tensor) -> Tensor:
    """Distance of the first diagnosis from the previous stay's, in the order of the codes."""
    orders = graph.columns(own, [0, features.PRESENT * _FACTS])
    distance = graph.add("Abs", graph.add("MatMul", orders, graph.constant(np.array([[1.0], [-1.0]]))))
    least = graph.add("ReduceMin", orders, graph.constant([1]), keepdims=1)
    return _unknown_where(graph, graph.add("Less", least, graph.constant(0.0)), distance)
