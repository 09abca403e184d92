"""Trees in the graph: every comparison as in the library, also exactly at the threshold."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto
from sklearn.ensemble import RandomForestClassifier
from xgboost import XGBClassifier

from ml.training.models import FAMILIES, GRADIENT_BOOSTING
from ml.training.onnx_graph.nodes import Nodes
from ml.training.onnx_graph.trees import SUMMED_TREES, add_trees, ensemble_of
from tests.unit.ml.training.onnx_graph.graphs import session_of


def data(rows: int = 600, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Values of several magnitudes with many ties, and outcomes that depend on them."""
    generator = np.random.default_rng(seed)
    scales = np.array([1e-3, 0.1, 1, 300, 1e5])
    numbers = (generator.integers(-1, 12, (rows, 5)) / 3 * scales).astype(np.float32)
    odds = numbers @ (1 / scales) / 5 - 2
    return numbers, (generator.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.int64)


def around(numbers: NDArray[np.float32], thresholds: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows whose values are each threshold, its neighbours in float32, and values of the data."""
    edges = np.concatenate(
        [thresholds, np.nextafter(thresholds, np.float32(np.inf)), np.nextafter(thresholds, np.float32(-np.inf))]
    )
    generator = np.random.default_rng(1)
    rows = generator.choice(numbers, 4 * len(edges))
    for column in range(numbers.shape[1]):
        rows[column::6, column] = generator.choice(edges, len(rows[column::6]))
    return rows


def boosting(**settings: Any) -> XGBClassifier:
    """The estimator of production, with fewer trees."""
    estimator: XGBClassifier = FAMILIES[GRADIENT_BOOSTING].estimator(**settings, random_state=296, n_jobs=1)
    return estimator


def sum_of_trees(estimator: Any, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    nodes = Nodes()
    nodes.add("Identity", add_trees(nodes, "matrix", ensemble_of(estimator)), output="sum")
    session = session_of(nodes, "sum", matrix=(TensorProto.FLOAT, rows.shape[1]))
    (answer,) = session.run(["sum"], {"matrix": rows})
    return np.asarray(answer)[:, 0]


@pytest.mark.parametrize("leaf", [1, 20])
def test_every_comparison_of_a_forest_is_exact_also_at_the_threshold(leaf: int) -> None:
    numbers, labels = data()
    for seed in range(8):
        tree = RandomForestClassifier(1, min_samples_leaf=leaf, max_features=0.6, random_state=seed)
        tree.fit(numbers, labels)
        member = tree.estimators_[0].tree_
        # Each leaf gets a value of its own, so that a wrong turn anywhere is seen.
        member.value[:, 0, 1] = np.arange(member.node_count) / 1024
        member.value[:, 0, 0] = 1 - member.value[:, 0, 1]
        thresholds = member.threshold[member.children_left >= 0]
        rows = around(numbers, np.r_[thresholds, numbers.ravel()[:50]].astype(np.float32))

        reached = tree.estimators_[0].apply(rows) / 1024
        np.testing.assert_array_equal(sum_of_trees(tree, rows), reached.astype(np.float32))


def test_every_comparison_of_boosting_is_exact_also_at_the_threshold() -> None:
    numbers, labels = data()
    model = boosting(n_estimators=30, max_leaves=12).fit(numbers, labels)
    splits = model.get_booster().trees_to_dataframe().query("Feature != 'Leaf'")["Split"]
    rows = around(numbers, splits.to_numpy(dtype=np.float32))

    expected = model.predict(rows, output_margin=True, base_margin=np.zeros(len(rows)))
    np.testing.assert_allclose(sum_of_trees(model, rows), expected, rtol=0, atol=2e-6)


def test_many_trees_are_summed_in_parts() -> None:
    numbers, labels = data()
    model = boosting(n_estimators=2 * SUMMED_TREES + 1, max_leaves=4).fit(numbers, labels)

    nodes = Nodes()
    add_trees(nodes, "matrix", ensemble_of(model))
    operators = [node for node in nodes.nodes if node.op_type == "TreeEnsembleRegressor"]
    tree_ids = [next(list(a.ints) for a in node.attribute if a.name == "nodes_treeids") for node in operators]
    assert [len(set(ids)) for ids in tree_ids] == [SUMMED_TREES, SUMMED_TREES, 1]
    expected = model.predict(numbers, output_margin=True, base_margin=np.zeros(len(numbers)))
    np.testing.assert_allclose(sum_of_trees(model, numbers), expected, rtol=0, atol=2e-6)


def test_thresholds_that_are_float32_values_send_them_to_the_left_in_a_forest() -> None:
    numbers = np.array([[0.1], [0.3]] * 30, dtype=np.float32)
    forest = RandomForestClassifier(1, bootstrap=False, random_state=0).fit(numbers, [0, 1] * 30)
    member = forest.estimators_[0].tree_
    for threshold in (np.float64(np.float32(0.1)), 0.1, np.nextafter(np.float64(np.float32(0.1)), -1), 0.2, -0.0):
        member.threshold[0] = threshold
        rows = around(np.float32([[0.1], [0.2], [0]]), np.float32([threshold, 0.1, 0.2, 0]))

        np.testing.assert_array_equal(sum_of_trees(forest, rows), forest.predict_proba(rows)[:, 1])


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(3, min_samples_leaf=400, random_state=0),
        boosting(n_estimators=3, gamma=1e9),
    ],
    ids=["forest", "boosting"],
)
def test_trees_that_never_split_are_their_only_leaf(estimator: Any) -> None:
    numbers, labels = data()
    estimator.fit(numbers, labels)
    forest = isinstance(estimator, RandomForestClassifier)
    assert all(tree.is_leaf.all() for tree in ensemble_of(estimator).trees)

    from_0 = {"output_margin": True, "base_margin": np.zeros(len(numbers))}
    expected = estimator.predict_proba(numbers)[:, 1] if forest else estimator.predict(numbers, **from_0)
    np.testing.assert_allclose(sum_of_trees(estimator, numbers), expected, rtol=0, atol=1e-6)
    assert len(set(expected.tolist())) == 1
