"""Fitted trees as ONNX operators, with exactly the comparisons of the libraries.

All comparisons are ``value <= threshold`` in float32. scikit-learn compares with float64 thresholds, which are rounded
down to float32; XGBoost compares ``value < threshold``, so its thresholds are moved to the next float32 below. Every
comparison then has the same result as in the library.

ONNX Runtime stores the "false" branch of a node next to the node, the "true" branch elsewhere. A comparison that is
true for most training rows is therefore inverted, on the negated column: most steps then lead to the neighbour, which
cuts the time of a single prediction by a quarter.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from xgboost import XGBClassifier

from ml.training.onnx_graph.nodes import ML_DOMAIN, Nodes, Tensor

SUMMED_TREES: Final = 100
"""Trees in one operator. It sums in float32: few values at a time lose fewer digits."""

_INFINITY: Final = np.float32(np.inf)


@dataclass(frozen=True, slots=True)
class Tree:
    """The nodes of one tree; all arrays have shape ``(nodes,)``."""

    feature: NDArray[Any]  # column that a branch compares
    threshold: NDArray[np.float32]
    true: NDArray[Any]  # next node where the comparison is true
    false: NDArray[Any]
    is_leaf: NDArray[np.bool_]
    value: NDArray[Any]  # used at leaves only
    weight: NDArray[Any]  # weight of the training rows that reach a node


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The trees of an estimator. They sum to a logit (boosting) or to a probability (forest)."""

    trees: list[Tree]
    features: int
    sums_logits: bool


def ensemble_of(estimator: RandomForestClassifier | XGBClassifier) -> Ensemble:
    """The trees of a fitted estimator."""
    if isinstance(estimator, RandomForestClassifier):
        return Ensemble(list(_forest(estimator)), estimator.n_features_in_, sums_logits=False)
    return Ensemble(list(_boosting(estimator)), estimator.n_features_in_, sums_logits=True)


def add_trees(graph: Nodes, matrix: Tensor, ensemble: Ensemble) -> Tensor:
    """Add the operators; the output is the sum over the trees, shape ``(rows, 1)``."""
    both = graph.add("Concat", matrix, graph.add("Neg", matrix), axis=1)  # each column, and each negated
    trees = [_oriented(tree, ensemble.features) for tree in ensemble.trees]
    parts = [trees[start : start + SUMMED_TREES] for start in range(0, len(trees), SUMMED_TREES)]
    return graph.add("Sum", *[_add_operator(graph, both, part) for part in parts])


def _oriented(tree: Tree, features: int) -> Tree:
    """The tree with 0 at leaves instead of a comparison, and with comparisons inverted that are true for most rows.

    ``x > t`` is ``-x <= -u``, where ``u`` is the next float32 above ``t``.
    """
    inverted = ~tree.is_leaf & (tree.weight[tree.true] > tree.weight[tree.false])

    def branch(values: NDArray[Any], values_if_inverted: NDArray[Any]) -> NDArray[Any]:
        return np.where(tree.is_leaf, 0, np.where(inverted, values_if_inverted, values))

    return replace(
        tree,
        feature=branch(tree.feature, tree.feature + features),
        threshold=branch(tree.threshold, -np.nextafter(tree.threshold, _INFINITY)),
        true=branch(tree.true, tree.false),
        false=branch(tree.false, tree.true),
    )


def _add_operator(graph: Nodes, matrix: Tensor, trees: Sequence[Tree]) -> Tensor:
    def joined(arrays: Iterable[NDArray[Any]]) -> list[Any]:
        return list(np.concatenate(list(arrays)).tolist())

    is_leaf = np.concatenate([tree.is_leaf for tree in trees])
    tree_ids = np.repeat(np.arange(len(trees)), [len(tree.feature) for tree in trees])
    node_ids = np.concatenate([np.arange(len(tree.feature)) for tree in trees])
    return graph.add(
        "TreeEnsembleRegressor",
        matrix,
        domain=ML_DOMAIN,
        aggregate_function="SUM",
        post_transform="NONE",
        n_targets=1,
        nodes_treeids=tree_ids.tolist(),
        nodes_nodeids=node_ids.tolist(),
        nodes_featureids=joined(tree.feature for tree in trees),
        nodes_values=joined(tree.threshold for tree in trees),
        nodes_modes=["LEAF" if leaf else "BRANCH_LEQ" for leaf in is_leaf],
        nodes_truenodeids=joined(tree.true for tree in trees),
        nodes_falsenodeids=joined(tree.false for tree in trees),
        nodes_missing_value_tracks_true=[0] * len(is_leaf),
        nodes_hitrates=[1.0] * len(is_leaf),
        target_treeids=tree_ids[is_leaf].tolist(),
        target_nodeids=node_ids[is_leaf].tolist(),
        target_ids=[0] * int(is_leaf.sum()),
        target_weights=joined(tree.value[tree.is_leaf] for tree in trees),
    )


def _forest(forest: RandomForestClassifier) -> Iterator[Tree]:
    for tree in (member.tree_ for member in forest.estimators_):
        counts = tree.value[:, 0, :]
        yield Tree(
            tree.feature,
            _rounded_down(tree.threshold),
            tree.children_left,
            tree.children_right,
            tree.children_left < 0,
            counts[:, 1] / counts.sum(axis=1) / len(forest.estimators_),
            tree.weighted_n_node_samples,
        )


def _boosting(model: XGBClassifier) -> Iterator[Tree]:
    booster = json.loads(bytes(model.get_booster().save_raw("json")))
    for tree in booster["learner"]["gradient_booster"]["model"]["trees"]:
        left = np.array(tree["left_children"])
        conditions = np.array(tree["split_conditions"], dtype=np.float32)  # thresholds of branches, values of leaves
        yield Tree(
            np.array(tree["split_indices"]),
            np.nextafter(conditions, -_INFINITY),
            left,
            np.array(tree["right_children"]),
            left < 0,
            conditions,
            np.array(tree["sum_hessian"]),
        )


def _rounded_down(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    nearest = thresholds.astype(np.float32)
    return np.where(nearest > thresholds, np.nextafter(nearest, -_INFINITY), nearest)
