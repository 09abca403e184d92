"""The encoder as ONNX nodes: the same tables, the same arithmetic, in the same order as :mod:`ml.encoder`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ml.bundle import NUMBERS, TEXTS
from ml.encoder import (
    CATEGORIES,
    CODE_LIMIT,
    DIAGNOSES,
    DRUGS,
    PER_DAY,
    PRESENT,
    RATED_CATEGORIES,
    RATED_CODES,
    UNKNOWN_VALUE,
    UTILISATION,
    Encoder,
)
from ml.graph.nodes import ML_DOMAIN, Nodes, Tensor

_FACTS: Final = 2
"""Facts of a code that stay apart for each diagnosis: order and chapter. The others are joined over this stay's."""


def encode(graph: Nodes, encoder: Encoder) -> Tensor:
    """Add the nodes from ``texts`` and ``numbers`` to the matrix of :meth:`ml.encoder.Encoder.transform`."""
    numbers = _known_or(graph, graph.add("IsNaN", "numbers"), "numbers")
    categories = _ids(graph, graph.columns("texts", [TEXTS.index(n) for n in CATEGORIES]), encoder.vocabulary)
    diagnoses = _diagnosis_ids(graph, encoder)
    ranks = _looked_up(graph, encoder.ranks, categories)
    facts = graph.add("Gather", graph.constant(encoder.code_facts), diagnoses, axis=0)  # (rows, 4, facts)
    own = graph.columns(facts, range(_FACTS), axis=2)
    joined = graph.columns(graph.columns(facts, range(PRESENT)), range(_FACTS, encoder.code_facts.shape[1]), axis=2)
    present = graph.columns(diagnoses, range(PRESENT))
    rated = graph.columns(categories, [CATEGORIES.index(name) for name in RATED_CATEGORIES])
    parts = [
        numbers,
        ranks,
        graph.reshape(own, -1, len(DIAGNOSES) * _FACTS),
        graph.add("ReduceMax", joined, graph.constant([1]), keepdims=0),
        graph.reshape(_looked_up(graph, encoder.rates.diagnoses, present), -1, PRESENT * 2),
        _looked_up(graph, encoder.rates.categories, rated),
        _looked_up(graph, encoder.rates.codes, _code_ids(graph)),
        *_combinations(graph, numbers, ranks, own),
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


def _code_ids(graph: Nodes) -> Tensor:
    codes = _zero_for_unknown(graph, graph.columns("numbers", [NUMBERS.index(name) for name in RATED_CODES]))
    bounded = graph.add("Clip", codes, graph.constant(0.0), graph.constant(float(CODE_LIMIT - 1)))
    return graph.add("Cast", bounded, to=7)  # int64


def _zero_for_unknown(graph: Nodes, values: Tensor) -> Tensor:
    return graph.add("Where", graph.add("IsNaN", values), graph.constant(0.0), values)


def _combinations(graph: Nodes, numbers: Tensor, ranks: Tensor, own_facts: Tensor) -> Iterator[Tensor]:
    def number(*names: str) -> Tensor:
        return graph.columns(numbers, [NUMBERS.index(name) for name in names])

    used = number(*UTILISATION)
    least = graph.add("ReduceMin", used, graph.constant([1]), keepdims=1)
    yield _where_known(graph, [least], graph.add("ReduceSum", used, graph.constant([1]), keepdims=1))
    days = number("time_in_hospital")
    whole_days = graph.add("Max", days, graph.constant(1.0))
    for name in PER_DAY:
        count = number(name)
        yield _where_known(graph, [count, days], graph.add("Div", count, whole_days))
    now, before = number("number_inpatient"), number("previous_inpatient")
    raised = graph.add("Add", graph.add("Sub", now, before), graph.constant(50.0))
    yield _where_known(graph, [now, before], raised)
    places = graph.add("Gather", own_facts, graph.constant(np.array(0)), axis=2)  # (rows, 4)
    place, previous = graph.columns(places, [0]), graph.columns(places, [PRESENT])
    yield _where_known(graph, [place, previous], graph.add("Abs", graph.add("Sub", place, previous)))
    drugs = graph.columns(ranks, [CATEGORIES.index(name) for name in DRUGS])
    for rank in (1, 2):
        reached = graph.add("Cast", graph.add("GreaterOrEqual", drugs, graph.constant(float(rank))), to=1)
        yield graph.add("ReduceSum", reached, graph.constant([1]), keepdims=1)


def _where_known(graph: Nodes, needed: Sequence[Tensor], values: Tensor) -> Tensor:
    least = graph.add("Min", *needed) if len(needed) > 1 else needed[0]
    missing = graph.add("Less", least, graph.constant(0.0))
    return _known_or(graph, missing, values)
