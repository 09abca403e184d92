"""The demo: ingestion, training, a prediction and a monitoring run through the services of the stack."""

import os
import time
from datetime import UTC, datetime
from typing import Any

import httpx
from rich.console import Console

from infra.local.airflow_client import AirflowClient
from infra.local.dag_runs import FINISHED_STATES, follow_run, wait_for_dags
from infra.local.errors import StackError
from infra.local.settings import StackSettings
from infra.local.stack import Stack
from infra.local.status import print_whole, service_table

INGEST, TRAIN, MONITOR = "ingest_diabetes", "train_models_diabetes_simple", "monitor_diabetes"
GATE = "gate"
"""The task of the training after which a model serves; its report follows."""
RECORD = {"race": "Caucasian", "gender": "Female", "age": "[60-70)"}
SCHEDULE_SECONDS = 8
"""Time limit for a run that a DAG's schedule or new training data starts."""
MODEL_SECONDS = 90
"""Time limit for the API to load a new model."""


def run_demo(stack: Stack, console: Console) -> None:
    """Start the stack, ingest, train, predict, monitor, and print the addresses; the stack keeps running.

    Raises:
        StackError: a step failed.
    """
    make_started = os.environ.get("DEMO_STARTED_AT", "")  # make also creates the Python environment
    started = float(make_started) if make_started.isdecimal() else time.time()
    stack.up()
    with AirflowClient(stack.settings) as airflow:
        with console.status("waiting for Airflow to parse the DAGs"):
            wait_for_dags(airflow, (INGEST, TRAIN, MONITOR))
        _run_dag(airflow, INGEST, console)
        training = _start_run(airflow, TRAIN, console)
        printed = follow_run(airflow, TRAIN, training, console, until=GATE)
        _show_prediction(stack.settings, console, started)
        console.print(f"[bold]{TRAIN}[/]")
        follow_run(airflow, TRAIN, training, console, printed=printed)
        # Also switches the DAG on: from now on it runs daily, and Monitoring shows the state of its last run.
        _run_dag(airflow, MONITOR, console)
    print_whole(console, service_table(stack.settings))
    console.print(f"Memory of the whole stack (PSS): {stack.memory() / 1024**3:.2f} GB")
    console.print(f"Logs: {stack.settings.paths.logs} or make logs NAME=api. Stop: make down.", soft_wrap=True)


def _run_dag(airflow: AirflowClient, dag_id: str, console: Console) -> None:
    follow_run(airflow, dag_id, _start_run(airflow, dag_id, console), console)


def _start_run(airflow: AirflowClient, dag_id: str, console: Console) -> str:
    console.print(f"[bold]{dag_id}[/]")
    return current_run(airflow, dag_id)


def current_run(airflow: AirflowClient, dag_id: str) -> str:
    """Enable the DAG; returns the id of the run that its schedule or new data start, or else of a triggered one."""
    finished = {run["dag_run_id"] for run in airflow.latest_runs(dag_id) if run["state"] in FINISHED_STATES}
    airflow.unpause(dag_id)
    deadline = time.monotonic() + SCHEDULE_SECONDS
    while time.monotonic() < deadline:
        for run in airflow.latest_runs(dag_id):
            if run["dag_run_id"] not in finished:
                return str(run["dag_run_id"])
        time.sleep(1)
    return airflow.trigger(dag_id)


def _show_prediction(settings: StackSettings, console: Console, started: float) -> None:
    with httpx.Client(base_url=settings.url(settings.api_port), timeout=30) as api:
        with console.status("waiting for the API to load the model"):
            _wait_for_model(api)
        # Marked, so that the prediction log holds no real prediction yet: `ml simulate` refuses a log that does.
        prediction = _json(api.post("/predict", json={"records": [RECORD]}, headers={"X-Load-Test": "1"}))
        seconds = time.time() - started
        model = _json(api.get("/model"))
    source, auroc = model["data_source"], model["metrics"]["auroc"]
    trained = datetime.fromisoformat(model["trained_at"]).strftime("%Y-%m-%d %H:%M %Z").strip()
    console.print(f"\nPOST /predict {RECORD}", markup=False, soft_wrap=True)
    console.print(f"[bold green]Readmission within 30 days: {prediction['predictions'][0]:.1%}[/]")
    console.print(
        f"Model {model['name']} version {model['version']} ({model['algorithm']}), trained {trained} on "
        f"{source} data; AUROC {auroc['value']:.3f} [{auroc['low']:.3f}, {auroc['high']:.3f}]",
        markup=False,
        soft_wrap=True,
    )
    if source == "synthetic":
        console.print(
            "[yellow]The data are synthetic, because DATA_FILE is not set and the UCI repository was not reached or "
            "not requested. The model shows that the platform works; it is not valid for patients.[/]",
            soft_wrap=True,
        )
    console.print(f"Time to the first prediction: {seconds:.0f} s\n")


def _wait_for_model(api: httpx.Client) -> None:
    """Wait until the API has polled the registry once more and serves the production version."""
    since, deadline = datetime.now(UTC), time.monotonic() + MODEL_SECONDS
    while not _serves_production(response := api.get("/model"), since):
        if time.monotonic() > deadline:
            refused = "" if response.is_error else (response.json()["refused"] or {}).get("reason", "no reason given")
            reason = refused or _detail(response)
            raise StackError(f"Training succeeded but the API does not serve its model: {reason}.")
        time.sleep(1)


def _serves_production(response: httpx.Response, since: datetime) -> bool:
    """Whether the API polled the registry after `since` and serves the version it found there."""
    if response.is_error:
        return False
    model = response.json()
    checked_at = model["registry"]["checked_at"]
    polled = checked_at is not None and datetime.fromisoformat(checked_at) > since
    return polled and bool(model["version"] == model["registry"]["version"])


def _json(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        raise StackError(f"The API refuses {response.request.url.path}: {_detail(response)}.")
    body: dict[str, Any] = response.json()
    return body


def _detail(response: httpx.Response) -> str:
    if "json" in response.headers.get("content-type", ""):
        return str(response.json().get("detail", response.status_code))
    return f"{response.status_code} {response.reason_phrase}"
