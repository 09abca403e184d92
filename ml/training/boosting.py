"""Boosting on a Dask cluster: each worker encodes and keeps its parts of the rows."""

import logging
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from xgboost import Booster

from ml.compute.workers import LOSS_SECONDS, Cluster, cluster_errors
from ml.core.errors import ClusterError, PlatformError
from ml.features.encoder import feature_names
from ml.training.rows import Part, TrainingRows

log = logging.getLogger(__name__)

ATTEMPTS: Final = 3
"""XGBoost does not survive the loss of a worker, so the fit begins again with those that are left."""
SILENCE_SECONDS: Final = 300
"""Time after which workers give up one that is silent; one that ends is noticed at once."""


def boost_on_cluster(cluster: Cluster, parameters: Mapping[str, Any], rounds: int, rows: TrainingRows) -> Booster:
    """Fit boosted trees to all parts.

    Raises:
        ClusterError: the scheduler is lost, or a worker was lost in every attempt.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(ClusterError),
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
        if not (names := cluster.names()):
            raise TimeoutError("the last worker was lost after the wait for it")
        try:
            return _boost(cluster, names, parameters, rounds, rows)
        except PlatformError:
            raise
        except Exception as error:
            # XGBoost and Dask name the loss of a worker in many ways.
            if set(names) <= set(cluster.names()):
                raise
            raise ClusterError("A worker of the Dask cluster was lost during the boosting: try again.") from error


def _boost(
    cluster: Cluster, names: list[str], parameters: Mapping[str, Any], rounds: int, rows: TrainingRows
) -> Booster:
    from xgboost import collective
    from xgboost.dask import DaskQuantileDMatrix, train

    client = cluster.client
    held = client.submit(_held, rows, pure=False)
    # Dask would place a part where there is time, and another placement is another model.
    parts = [
        client.submit(_part, held, number, workers=[names[number % len(names)]], allow_other_workers=True, pure=False)
        for number in range(len(rows.parts))
    ]
    try:
        cluster.wait(parts)
        for part in parts:
            if part.status != "finished":  # the matrix would say that it is, and nothing of the reason
                part.result()
        columns = {"matrix": (len(feature_names()),), "labels": (), "weights": ()}
        data, label, weight = (_array(parts, name, shape) for name, shape in columns.items())
        matrix = DaskQuantileDMatrix(client, data, label, weight=weight)
        limits = collective.Config(retry=1, timeout=SILENCE_SECONDS)
        return train(client, dict(parameters), matrix, rounds, coll_cfg=limits)["booster"]
    finally:
        client.cancel([held, *parts])  # else they stay on the workers until the garbage collector finds them


def _array(parts: list[Any], name: str, columns: tuple[int, ...]) -> Any:
    """A Dask array of an attribute of all parts, one chunk for each part."""
    from dask import array
    from dask.delayed import delayed

    of_part = delayed(getattr)
    chunks = [array.from_delayed(of_part(delayed(part), name), (np.nan, *columns), np.float32) for part in parts]
    return array.concatenate(chunks, allow_unknown_chunksizes=True)


def _held(rows: TrainingRows) -> TrainingRows:
    return rows


def _part(rows: TrainingRows, number: int) -> Part:
    return rows.part(number)
