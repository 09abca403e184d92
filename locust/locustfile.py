"""Load test of the prediction service.

    locust --host http://localhost:8000        # web interface on port 8089
    locust --headless -u 50 -r 10 -t 60s       # exit code 1 if anything failed

This folder has no ``__init__.py``, because a package ``locust`` would shadow the library.
"""

import logging
from typing import Any

from flask import Response, jsonify, request
from hosts import is_foreign, refused_host
from locust.env import Environment
from locust.runners import WorkerRunner
from metrics import serve_metrics
from shapes import shape_by_name
from users import API_URL, VARIABLES, BatchUser, SingleUser

from locust import events

__all__ = ["BatchUser", "SingleUser"]

log = logging.getLogger(__name__)

if load_shape := VARIABLES.get("LOAD_SHAPE"):
    ChosenShape = shape_by_name(load_shape)  # Locust uses any shape class in this module


@events.init.add_listener
def _on_init(environment: Environment, **_: Any) -> None:
    environment.host = environment.host or API_URL
    guard_web_interface(environment)
    serve_metrics(environment)


def guard_web_interface(environment: Environment) -> None:
    """Refuse tests of other hosts than the API, and requests that a page of another origin sends."""
    if environment.web_ui is None:
        return
    allowed = list(dict.fromkeys((environment.host or API_URL, API_URL)))

    @environment.web_ui.app.before_request
    def _check() -> Response | tuple[Response, int] | None:
        if request.method != "POST":
            return None
        if is_foreign(request.headers.get("Origin"), request.host, VARIABLES.get("LOCUST_PUBLIC_URL") or ""):
            return jsonify(success=False, message="This page belongs to another origin than Locust."), 403
        reason = refused_host(request.form["host"], allowed) if "host" in request.form else None
        return jsonify(success=False, message=reason, host=environment.host) if reason else None


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
