"""Explanations: additive, exact where the Shapley values are known, deterministic."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml.core.bundle import Bundle
from ml.core.explain import EXACT, explain
from ml.core.reliability import ReliabilityCurve
from ml.features.records import to_records
from ml.schema import EXAMPLE_RECORD, FEATURE_NAMES, HISTORY_NAMES, Record
from ml.training.export import write_bundle
from ml.training.models import RiskModel

MANIFEST: dict[str, Any] = {
    "algorithm": "any",
    "data_source": "synthetic",
    "data_version": "0" * 64,
    "trained_at": "2026-01-02T03:04:05+00:00",
    "prevalence": 0.11,
    "risk_quantiles": tuple(i / 100 for i in range(101)),
    "metrics": {},
}
EIGHT = dict(itertools.islice(EXAMPLE_RECORD.items(), 8))


class Game:
    """A predictor given by a formula over the known fields; records its calls."""

    def __init__(self, worth: Callable[[Record], float]) -> None:
        self.worth = worth
        self.asked: list[list[Record]] = []

    def predict(self, asked: Sequence[Record]) -> NDArray[np.float64]:
        self.asked.append(list(asked))
        return np.array([self.worth(record) for record in asked])


def by_definition(bundle: Bundle, record: Record, name: str) -> float:
    """Shapley values by definition, over all subsets of the other fields."""
    others = [other for other in record if other != name]
    sets = [part for size in range(len(others) + 1) for part in itertools.combinations(others, size)]
    without = [{other: record[other] for other in part} for part in sets]
    with_it: list[Record] = [{**part, name: record[name]} for part in without]
    weights = [1 / (len(record) * math.comb(len(others), len(part))) for part in sets]
    steps = bundle.predict(with_it).astype(float) - bundle.predict(without).astype(float)
    return float(np.dot(weights, steps))


@pytest.fixture(scope="module")
def bundle(
    fitted: RiskModel, curve: ReliabilityCurve, test_table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> Bundle:
    directory: Path = tmp_path_factory.mktemp("explained")
    return write_bundle(fitted, test_table, {**MANIFEST, "completeness": curve}, directory)


@pytest.fixture(scope="module")
def encounters(test_table: pd.DataFrame) -> list[Record]:
    return to_records(test_table.head(60))


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_base_and_contributions_sum_to_the_prediction(
    bundle: Bundle, encounters: list[Record], data: st.DataObject
) -> None:
    record = data.draw(st.sampled_from(encounters))
    known = data.draw(st.sets(st.sampled_from(sorted(record))))
    part: Record = {name: value for name, value in record.items() if name in known}

    found = explain(bundle, part)

    assert found.probability == pytest.approx(float(bundle.predict([part])[0]), abs=1e-6)
    assert found.base == pytest.approx(float(bundle.predict([{}])[0]), abs=1e-6)
    assert abs(found.remainder) < 1e-9
    assert found.base + sum(found.contributions.values()) + found.remainder == pytest.approx(found.probability)
    assert set(found.contributions) | set(HISTORY_NAMES) == known | set(HISTORY_NAMES)


@pytest.mark.parametrize("size", [1, 2, 3, EXACT])
def test_few_fields_have_exact_shapley_values(bundle: Bundle, size: int) -> None:
    record = dict(itertools.islice(EXAMPLE_RECORD.items(), 4, 4 + size))

    found = explain(bundle, record)

    expected = {name: by_definition(bundle, record, name) for name in record}
    assert found.contributions == pytest.approx(expected, abs=1e-6)
    assert set(found.errors.values()) == {0.0}


def test_sampling_is_within_its_standard_error(bundle: Bundle) -> None:
    found = explain(bundle, EIGHT, orders=200)

    off = [abs(found.contributions[name] - by_definition(bundle, EIGHT, name)) / found.errors[name] for name in EIGHT]
    assert max(off) < 4


def test_an_interaction_is_divided_equally() -> None:
    game = Game(lambda record: 0.3 if {"race", "gender"} <= set(record) else 0.1)

    found = explain(game, {"race": "Asian", "gender": "Male", "age": "[60-70)"})

    assert found.contributions == pytest.approx({"race": 0.1, "gender": 0.1, "age": 0.0})


def test_duplicate_fields_share_their_effect() -> None:
    game = Game(lambda record: 0.1 + 0.06 * bool({"diag_1", "diag_2"} & set(record)) + 0.02 * ("age" in record))

    found = explain(game, {"diag_1": "428", "diag_2": "428", "age": "[60-70)"})

    assert found.contributions == pytest.approx({"diag_1": 0.03, "diag_2": 0.03, "age": 0.02})


def test_additive_effects_have_no_sampling_error() -> None:
    worth = {name: position / 1000 for position, name in enumerate(FEATURE_NAMES)}
    game = Game(lambda record: 0.05 + sum(worth[name] for name in record))

    found = explain(game, EXAMPLE_RECORD)

    assert found.contributions == pytest.approx(worth)
    assert max(found.errors.values()) < 1e-12


def test_the_largest_contribution_comes_first(bundle: Bundle, encounters: list[Record]) -> None:
    sizes = [abs(value) for value in explain(bundle, encounters[0]).contributions.values()]

    assert sizes == sorted(sizes, reverse=True)


def test_the_order_of_keys_does_not_change_the_explanation(bundle: Bundle, encounters: list[Record]) -> None:
    turned = dict(reversed(encounters[0].items()))
    padded = {**dict.fromkeys((*FEATURE_NAMES, *HISTORY_NAMES)), **encounters[0]}

    assert explain(bundle, encounters[0]) == explain(bundle, turned) == explain(bundle, padded)


def test_another_seed_agrees_within_the_error(bundle: Bundle, encounters: list[Record]) -> None:
    one, other = (explain(bundle, encounters[0], orders=64, seed=seed) for seed in (0, 1))

    assert one.contributions != other.contributions
    for name in one.contributions:
        allowed = 5 * math.hypot(one.errors[name], other.errors[name]) + 1e-6
        assert abs(one.contributions[name] - other.contributions[name]) < allowed


def test_more_permutations_reduce_the_error(bundle: Bundle, encounters: list[Record]) -> None:
    few, many = (sum(explain(bundle, encounters[0], orders).errors.values()) for orders in (16, 256))

    assert many < few / 2.5


def test_history_is_one_field(bundle: Bundle) -> None:
    history = {"earlier_stays": 2, "earlier_days": 9, "previous_discharge": 3}

    found = explain(bundle, {"gender": "Female", **history})

    assert set(found.contributions) == {"gender", "earlier_stays"}
    assert found.probability == pytest.approx(float(bundle.predict([{"gender": "Female", **history}])[0]), abs=1e-6)


def test_an_empty_record_has_the_base_as_prediction(bundle: Bundle) -> None:
    found = explain(bundle, {"race": None})

    assert found.contributions == {}
    assert found.probability == found.base


def test_the_model_is_called_once_without_duplicate_records() -> None:
    game = Game(len)

    explain(game, EXAMPLE_RECORD, orders=8)

    (asked,) = game.asked
    assert len({tuple(record) for record in asked}) == len(asked) <= 8 * (len(EXAMPLE_RECORD) - 1) + 2


@pytest.mark.parametrize("orders", [0, 2, 5, -4])
def test_an_invalid_number_of_permutations_is_refused(orders: int) -> None:
    with pytest.raises(ValueError, match=f"even number from 4, not {orders}"):
        explain(Game(len), EXAMPLE_RECORD, orders)


def test_an_explanation_is_plain_values(bundle: Bundle) -> None:
    fields = dataclasses.asdict(explain(bundle, EIGHT))

    numbers = [fields["probability"], fields["base"], fields["remainder"]]
    numbers += [*fields["contributions"].values(), *fields["errors"].values()]
    assert {type(number) for number in numbers} == {float}
