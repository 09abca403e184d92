"""Fitted trees as ONNX operators, to the last bit of every comparison.

scikit-learn compares float32 values with float64 thresholds, ``value <= threshold``; XGBoost compares float32 with
float32, ``value < threshold``. The operator compares float32 with float32, so thresholds are rounded down to the
nearest float32: every value then goes the same way as in the library.

ONNX Runtime keeps the branch of "no" next to its question in memory, that of "yes" elsewhere. So a question that more
of the training rows answer with yes is asked the other way round, of the negated column: most steps of a walk then lead
to the neighbour, and a single record has its answer in three quarters of the time.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from xgboost import XGBClassifier

from ml.training.onnx_graph.nodes import ML_DOMAIN, Nodes, Tensor

SUMMED_TREES: Final = 100
"""Trees in one operator. It sums in float32: few values at a time lose fewer digits."""

_NEXT: Final = {"BRANCH_LEQ": np.float32(np.inf), "BRANCH_LT": np.float32(-np.inf)}
"""Towards where the neighbour of a threshold lies that makes the opposite of a comparison one of the same kind:
``x > t`` is ``-x <= -next(t)``, and ``x >= t`` is ``-x < -next(t)``."""


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree, node by node; all arrays have one element for each.

    Attributes:
        feature: column that a branch asks for.
        threshold: float32 that it compares with.
        yes: where it leads when the comparison holds.
        no: where else.
        is_leaf: has no question but a value.
        value: counts at leaves alone.
        weight: training rows that came by, as the library weighs them.
    """

    feature: NDArray[Any]
    threshold: NDArray[np.float32]
    yes: NDArray[Any]
    no: NDArray[Any]
    is_leaf: NDArray[np.bool_]
    value: NDArray[Any]
    weight: NDArray[Any]


@dataclass(slots=True)
class Trees:
    """Nodes of some trees, in the arrays that the operator takes.

    Its matrix has each of the ``width`` columns twice, as it is and negated.
    """

    mode: str
    width: int
    tree: list[int] = field(default_factory=list)
    node: list[int] = field(default_factory=list)
    feature: list[int] = field(default_factory=list)
    threshold: list[float] = field(default_factory=list)
    yes: list[int] = field(default_factory=list)
    no: list[int] = field(default_factory=list)
    leaf_tree: list[int] = field(default_factory=list)
    leaf_node: list[int] = field(default_factory=list)
    leaf_value: list[float] = field(default_factory=list)
    is_leaf: list[bool] = field(default_factory=list)

    def extend(self, number: int, tree: Tree) -> None:
        """Add one tree."""
        leaves, nodes = tree.is_leaf, np.arange(len(tree.feature))
        turned = ~leaves & (tree.weight[tree.yes] > tree.weight[tree.no])
        opposite = -np.nextafter(tree.threshold, _NEXT[self.mode])
        self.tree += [number] * len(nodes)
        self.node += nodes.tolist()
        self.feature += np.where(leaves, 0, tree.feature + self.width * turned).tolist()
        self.threshold += np.where(leaves, 0, np.where(turned, opposite, tree.threshold)).tolist()
        self.yes += np.where(leaves, 0, np.where(turned, tree.no, tree.yes)).tolist()
        self.no += np.where(leaves, 0, np.where(turned, tree.yes, tree.no)).tolist()
        self.is_leaf += leaves.tolist()
        self.leaf_tree += [number] * int(leaves.sum())
        self.leaf_node += nodes[leaves].tolist()
        self.leaf_value += tree.value[leaves].tolist()


def trees_of(estimator: RandomForestClassifier | XGBClassifier) -> list[Trees]:
    """The trees of a fitted estimator, a part for each operator.

    The sum over all of a forest is a probability, that of boosting a logit above its base.
    """
    return _forest(estimator) if isinstance(estimator, RandomForestClassifier) else _boosting(estimator)


def add_trees(graph: Nodes, matrix: Tensor, parts: list[Trees]) -> Tensor:
    """Add the operators; the output is the sum over the trees, shape ``(rows, 1)``."""
    both = graph.add("Concat", matrix, graph.add("Neg", matrix), axis=1)
    return graph.add("Sum", *[_add_part(graph, both, part) for part in parts])


def _add_part(graph: Nodes, matrix: Tensor, trees: Trees) -> Tensor:
    count = len(trees.tree)
    return graph.add(
        "TreeEnsembleRegressor",
        matrix,
        domain=ML_DOMAIN,
        aggregate_function="SUM",
        post_transform="NONE",
        n_targets=1,
        nodes_treeids=trees.tree,
        nodes_nodeids=trees.node,
        nodes_featureids=trees.feature,
        nodes_values=trees.threshold,
        nodes_modes=["LEAF" if leaf else trees.mode for leaf in trees.is_leaf],
        nodes_truenodeids=trees.yes,
        nodes_falsenodeids=trees.no,
        nodes_missing_value_tracks_true=[0] * count,
        nodes_hitrates=[1.0] * count,
        target_treeids=trees.leaf_tree,
        target_nodeids=trees.leaf_node,
        target_ids=[0] * len(trees.leaf_tree),
        target_weights=trees.leaf_value,
    )


def _forest(forest: RandomForestClassifier) -> list[Trees]:
    parts = _parts("BRANCH_LEQ", forest, len(forest.estimators_))
    for number, tree in enumerate(member.tree_ for member in forest.estimators_):
        share = tree.value[:, 0, :]
        probability = share[:, 1] / share.sum(axis=1)
        nodes = Tree(
            tree.feature,
            _rounded_down(tree.threshold),
            tree.children_left,
            tree.children_right,
            tree.children_left < 0,
            probability / len(forest.estimators_),
            tree.weighted_n_node_samples,
        )
        parts[number // SUMMED_TREES].extend(number % SUMMED_TREES, nodes)
    return parts


def _boosting(model: XGBClassifier) -> list[Trees]:
    members = _members(json.loads(bytes(model.get_booster().save_raw("json"))))
    parts = _parts("BRANCH_LT", model, len(members))
    for number, tree in enumerate(members):
        left = np.array(tree["left_children"])
        # A leaf keeps its value where a branch keeps its threshold.
        conditions = np.array(tree["split_conditions"], dtype=np.float32)
        features, right = np.array(tree["split_indices"]), np.array(tree["right_children"])
        weights = np.array(tree["sum_hessian"])
        nodes = Tree(features, conditions, left, right, left < 0, conditions, weights)
        parts[number // SUMMED_TREES].extend(number % SUMMED_TREES, nodes)
    return parts


def _parts(mode: str, estimator: RandomForestClassifier | XGBClassifier, count: int) -> list[Trees]:
    return [Trees(mode, estimator.n_features_in_) for _ in range(0, count, SUMMED_TREES)]


def _members(booster: dict[str, Any]) -> list[dict[str, Any]]:
    members: list[dict[str, Any]] = booster["learner"]["gradient_booster"]["model"]["trees"]
    return members


def _rounded_down(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    nearest = thresholds.astype(np.float32)
    return np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)
