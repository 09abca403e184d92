"""Load test of the prediction service.

    PYTHONPATH=. locust -f locust/locustfile.py                                   # web interface on port 8089
    PYTHONPATH=. locust -f locust/locustfile.py --headless -u 50 -r 10 -t 60s     # exit code 1 if anything failed

This folder has no ``__init__.py``, because a package ``locust`` would shadow the library.
"""

import logging
from typing import Any

from locust.env import Environment
from locust.runners import WorkerRunner
from metrics import serve_metrics
from shapes import shape_by_name
from users import VARIABLES, BatchUser, SingleUser

from locust import events

__all__ = ["BatchUser", "SingleUser"]

log = logging.getLogger(__name__)

if load_shape := VARIABLES.get("LOAD_SHAPE"):
    ChosenShape = shape_by_name(load_shape)  # Locust uses any shape class in this module


@events.init.add_listener
def _on_init(environment: Environment, **_: Any) -> None:
    serve_metrics(environment)


@events.quitting.add_listener
def _on_quitting(environment: Environment, **_: Any) -> None:
    """Fail an automatic run without any valid response, also if no request was sent."""
    options = environment.parsed_options
    automatic = options is not None and (options.headless or options.autostart)
    if not automatic or isinstance(environment.runner, WorkerRunner):
        return
    total = environment.stats.total
    if total.num_requests == total.num_failures:
        log.error("No request had a valid response: see the error report below.")
        environment.process_exit_code = 1
