"""Load test of the prediction service.

    PYTHONPATH=. locust -f locust/locustfile.py                                   # web interface on port 8089
    PYTHONPATH=. locust -f locust/locustfile.py --headless -u 50 -r 10 -t 60s     # exit code 1 if anything failed

This folder has no ``__init__.py``: with one it would be imported in place of the library of the same name.
"""

import logging
from typing import Any

from environment import VARIABLES
from locust.env import Environment
from locust.runners import WorkerRunner
from metrics import serve_metrics
from shapes import shape_named
from users import BatchUser, SingleUser

from locust import events

__all__ = ["BatchUser", "SingleUser"]

log = logging.getLogger(__name__)

if load_shape := VARIABLES.get("LOAD_SHAPE"):
    ChosenShape = shape_named(load_shape)  # locust takes every shape it finds here


@events.init.add_listener
def _on_init(environment: Environment, **_: Any) -> None:
    serve_metrics(environment)


@events.quitting.add_listener
def _on_quitting(environment: Environment, **_: Any) -> None:
    """A run that got no right answer is a failed run, also when it never got as far as a request."""
    options = environment.parsed_options
    automatic = options is not None and (options.headless or options.autostart)
    if not automatic or isinstance(environment.runner, WorkerRunner):
        return
    total = environment.stats.total
    if total.num_requests == total.num_failures:
        log.error("No request was answered rightly: see the error report below.")
        environment.process_exit_code = 1
