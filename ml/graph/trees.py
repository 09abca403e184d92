"""Fitted trees as one ONNX operator, to the last bit of every comparison.

scikit-learn compares float32 values with float64 thresholds, ``value <= threshold``; XGBoost compares float32 with
float32, ``value < threshold``. The operator compares float32 with float32, so thresholds are rounded down to the
nearest float32: every value then goes the same way as in the library.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from xgboost import XGBClassifier

from ml.graph.nodes import ML_DOMAIN, Nodes, Tensor


@dataclass(slots=True)
class Trees:
    """Nodes of all trees, in the arrays that the operator takes."""

    mode: str
    base: float = 0.0
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

    def extend(
        self,
        number: int,
        features: NDArray[Any],
        thresholds: NDArray[Any],
        yes: NDArray[Any],
        no: NDArray[Any],
        leaves: NDArray[np.bool_],
        values: NDArray[Any],
    ) -> None:
        """Add one tree; ``values`` count at leaves alone."""
        nodes = np.arange(len(features))
        self.tree += [number] * len(features)
        self.node += nodes.tolist()
        self.feature += np.where(leaves, 0, features).tolist()
        self.threshold += np.where(leaves, 0, thresholds).tolist()
        self.yes += np.where(leaves, 0, yes).tolist()
        self.no += np.where(leaves, 0, no).tolist()
        self.is_leaf += leaves.tolist()
        self.leaf_tree += [number] * int(leaves.sum())
        self.leaf_node += nodes[leaves].tolist()
        self.leaf_value += values[leaves].tolist()


def trees_of(estimator: RandomForestClassifier | XGBClassifier) -> Trees:
    """The trees of a fitted estimator: a forest's sum is a probability, that of boosting a logit."""
    return _forest(estimator) if isinstance(estimator, RandomForestClassifier) else _boosting(estimator)


def add_trees(graph: Nodes, matrix: Tensor, trees: Trees) -> Tensor:
    """Add the operator; its output is the sum over the trees, shape ``(rows, 1)``."""
    count = len(trees.tree)
    return graph.add(
        "TreeEnsembleRegressor",
        matrix,
        domain=ML_DOMAIN,
        aggregate_function="SUM",
        post_transform="NONE",
        n_targets=1,
        base_values=[trees.base],
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


def _forest(forest: RandomForestClassifier) -> Trees:
    trees = Trees("BRANCH_LEQ")
    for number, tree in enumerate(member.tree_ for member in forest.estimators_):
        share = tree.value[:, 0, :]
        probability = share[:, 1] / share.sum(axis=1)
        leaves = tree.children_left < 0
        trees.extend(
            number,
            tree.feature,
            _rounded_down(tree.threshold),
            tree.children_left,
            tree.children_right,
            leaves,
            probability / len(forest.estimators_),
        )
    return trees


def _boosting(model: XGBClassifier) -> Trees:
    learner = json.loads(bytes(model.get_booster().save_raw("json")))["learner"]
    chance = float(np.ravel(json.loads(learner["learner_model_param"]["base_score"]))[0])
    trees = Trees("BRANCH_LT", base=float(np.log(chance / (1 - chance))))
    for number, tree in enumerate(_members(learner)):
        left = np.array(tree["left_children"])
        leaves = left < 0
        # A leaf keeps its value where a branch keeps its threshold.
        conditions = np.array(tree["split_conditions"], dtype=np.float32)
        features, right = np.array(tree["split_indices"]), np.array(tree["right_children"])
        trees.extend(number, features, conditions, left, right, leaves, conditions)
    return trees


def _members(learner: dict[str, Any]) -> Iterable[dict[str, Any]]:
    members: list[dict[str, Any]] = learner["gradient_booster"]["model"]["trees"]
    return members


def _rounded_down(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    nearest = thresholds.astype(np.float32)
    return np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)
