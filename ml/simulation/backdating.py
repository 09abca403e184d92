"""What a simulation does to the prediction log: its own predictions, and no others, become older than they are.

That makes weeks of traffic out of seconds, and is why a simulation has no place in a real installation.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from ml.core.errors import SimulationError
from ml.monitoring.matured_predictions import SIMULATION_PREFIX
from ml.warehouse.connection import transaction

_PAUSE_SECONDS: Final = 0.25
_PATIENCE_SECONDS: Final = 30.0

_OTHERS: Final = sa.text(
    "SELECT EXISTS (SELECT FROM predictions WHERE NOT load_test AND NOT starts_with(request_id, :mark))"
)
_LOGGED: Final = sa.text("SELECT count(*) FROM predictions WHERE request_id = ANY(:ids)")
_DATE_BACK: Final = sa.text("""
    UPDATE predictions p SET predicted_at = dated.moment
    FROM unnest(CAST(:ids AS text[]), CAST(:moments AS timestamptz[])) AS dated (request_id, moment)
    WHERE p.request_id = dated.request_id AND starts_with(p.request_id, :mark)
""")


def refuse_real_installation(engine: sa.Engine) -> None:
    """See to it that the log holds no predictions but those of simulations and load tests.

    Raises:
        SimulationError: it does.
        WarehouseError: PostgreSQL cannot be reached.
    """
    with transaction(engine) as connection:
        if connection.scalar(_OTHERS, {"mark": SIMULATION_PREFIX}):
            raise SimulationError(
                "The prediction log holds predictions that are not of a simulation, and what is simulated would count "
                "among them for ever after: use another database, or --force where nothing in this one matters."
            )


def wait_until_logged(engine: sa.Engine, ids: list[str], on_logged: Callable[[int], None]) -> None:
    """Wait until the log has the predictions of these requests, as long as more of them arrive.

    Raises:
        SimulationError: no more arrive.
        WarehouseError: PostgreSQL cannot be reached.
    """
    count, deadline = 0, time.monotonic() + _PATIENCE_SECONDS
    while count < len(ids):
        with transaction(engine) as connection:
            found = int(connection.scalar(_LOGGED, {"ids": ids}) or 0)
        if found > count:
            count, deadline = found, time.monotonic() + _PATIENCE_SECONDS
            on_logged(count)
        elif time.monotonic() > deadline:
            raise SimulationError(
                f"Only {count:,} of {len(ids):,} predictions came into the prediction log: the service must have "
                "PREDICTION_LOG=true, and write to the database of these settings."
            )
        else:
            time.sleep(_PAUSE_SECONDS)


def date_back(engine: sa.Engine, moments: Mapping[str, datetime]) -> None:
    """Give the predictions of some requests of a simulation the moments they are to be of.

    Raises:
        WarehouseError: PostgreSQL cannot be reached.
    """
    values = {"ids": list(moments), "moments": list(moments.values()), "mark": SIMULATION_PREFIX}
    with transaction(engine) as connection:
        connection.execute(_DATE_BACK, values)
