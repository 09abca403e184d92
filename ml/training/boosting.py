"""Boosting on a Dask cluster: each worker encodes and keeps its parts of the rows."""

import logging
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from xgboost import Booster
from xgboost.core import XGBoostError

from ml.compute.workers import Cluster, cluster_errors
from ml.core.errors import ClusterError
from ml.features.encoder import feature_names
from ml.training.rows import Part, TrainingRows

log = logging.getLogger(__name__)

ATTEMPTS: Final = 3
"""XGBoost does not survive the loss of a worker, so the fit begins again with those that are left."""
LOSS_SECONDS: Final = 300
"""Time after which workers give up one that is silent; one that ends is noticed at once."""


def boost_on_cluster(cluster: Cluster, parameters: Mapping[str, Any], rounds: int, rows: TrainingRows) -> Booster:
    """Fit boosted trees to all parts.

    Raises:
        ClusterError: the scheduler is lost, or a worker was lost in every attempt.
    """
    retrying = Retrying(
        retry=retry_if_exception_type((ClusterError, XGBoostError, RuntimeError)),
        stop=stop_after_attempt(ATTEMPTS),
        after=_log_failure,
        reraise=True,
    )
    return retrying(_attempt, cluster, parameters, rounds, rows)


def _log_failure(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("Attempt %s to boost on the cluster failed: %s", state.attempt_number, error)


def _attempt(cluster: Cluster, parameters: Mapping[str, Any], rounds: int, rows: TrainingRows) -> Booster:
    with cluster_errors(), cluster.client.as_current():
        cluster.client.wait_for_workers(1, timeout=LOSS_SECONDS)
        return _boost(cluster, parameters, rounds, rows)


def _boost(cluster: Cluster, parameters: Mapping[str, Any], rounds: int, rows: TrainingRows) -> Booster:
    from dask import array
    from dask.delayed import delayed
    from xgboost import collective
    from xgboost.dask import DaskQuantileDMatrix, train

    client = cluster.client
    names = sorted(client.scheduler_info(n_workers=-1)["workers"])
    held = client.submit(_held, rows, pure=False)
    # Dask would place a part where there is time, and another placement is another model.
    parts = [
        client.submit(_part, held, number, workers=[names[number % len(names)]], allow_other_workers=True, pure=False)
        for number in range(len(rows.parts))
    ]

    def of_parts(name: str, *columns: int) -> Any:
        of_part = delayed(getattr)
        chunks = [array.from_delayed(of_part(delayed(part), name), (np.nan, *columns), np.float32) for part in parts]
        return array.concatenate(chunks, allow_unknown_chunksizes=True)

    matrix = DaskQuantileDMatrix(
        client, of_parts("matrix", len(feature_names())), of_parts("labels"), weight=of_parts("weights")
    )
    limits = collective.Config(retry=1, timeout=LOSS_SECONDS)
    found = train(client, dict(parameters), matrix, rounds, coll_cfg=limits)
    return found["booster"]


def _held(rows: TrainingRows) -> TrainingRows:
    return rows


def _part(rows: TrainingRows, number: int) -> Part:
    return rows.part(number)
