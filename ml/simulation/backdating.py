"""Backdating of simulated predictions in the prediction log; predictions without the simulation's mark never change."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from ml.core.errors import SimulationError
from ml.monitoring.matured_predictions import SIMULATION_PREFIX
from ml.warehouse.connection import transaction

_POLL_SECONDS: Final = 0.25
_TIMEOUT_SECONDS: Final = 30.0

_REAL_PREDICTIONS: Final = sa.text(
    "SELECT EXISTS (SELECT FROM predictions WHERE NOT load_test AND NOT starts_with(request_id, :mark))"
)
_LOGGED: Final = sa.text("SELECT count(*) FROM predictions WHERE request_id = ANY(:ids)")
_BACKDATE: Final = sa.text("""
    UPDATE predictions p SET predicted_at = dated.moment
    FROM unnest(CAST(:ids AS text[]), CAST(:moments AS timestamptz[])) AS dated (request_id, moment)
    WHERE p.request_id = dated.request_id AND starts_with(p.request_id, :mark)
""")
_EARLIER: Final = "starts_with(request_id, :mark) AND request_id <> ALL(:ids)"


def refuse_real_predictions(engine: sa.Engine) -> None:
    """Check that the log holds only predictions of simulations and load tests.

    Raises:
        SimulationError: the log holds real predictions.
        WarehouseError: PostgreSQL cannot be reached.
    """
    with transaction(engine) as connection:
        if connection.scalar(_REAL_PREDICTIONS, {"mark": SIMULATION_PREFIX}):
            raise SimulationError(
                "The prediction log holds real predictions, and a simulation would distort their metrics: use another "
                "database."
            )


def wait_until_logged(engine: sa.Engine, ids: list[str], on_logged: Callable[[int], None]) -> None:
    """Wait until the predictions of these requests are in the log.

    Raises:
        SimulationError: no further prediction was logged within the timeout.
        WarehouseError: PostgreSQL cannot be reached.
    """
    count, deadline = 0, time.monotonic() + _TIMEOUT_SECONDS
    while count < len(ids):
        with transaction(engine) as connection:
            logged = int(connection.scalar(_LOGGED, {"ids": ids}) or 0)
        if logged > count:
            count, deadline = logged, time.monotonic() + _TIMEOUT_SECONDS
            on_logged(count)
        elif time.monotonic() > deadline:
            raise SimulationError(
                f"Only {count:,} of {len(ids):,} predictions were logged: the service must have PREDICTION_LOG=true "
                "and use the database of these settings."
            )
        else:
            time.sleep(_POLL_SECONDS)


def backdate(engine: sa.Engine, moments: Mapping[str, datetime], *, delete_earlier: bool) -> None:
    """Set the times of simulated predictions by request id; ``delete_earlier`` deletes all other simulations.

    Raises:
        WarehouseError: PostgreSQL cannot be reached.
    """
    values = {"ids": list(moments), "moments": list(moments.values()), "mark": SIMULATION_PREFIX}
    with transaction(engine) as connection:
        connection.execute(_BACKDATE, values)
        for table in ("outcomes", "predictions") if delete_earlier else ():
            connection.execute(sa.text(f"DELETE FROM {table} WHERE {_EARLIER}"), values)  # noqa: S608  constants only
