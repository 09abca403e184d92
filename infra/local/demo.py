"""The demo: from nothing to a prediction, through the same Airflow, MLflow and API as every day's work."""

import os
import time
from datetime import UTC, datetime
from typing import Any

import httpx
from rich.console import Console

from infra.local.airflow_client import AirflowClient
from infra.local.dag_runs import follow_run, wait_until_known
from infra.local.errors import StackError
from infra.local.report import service_table
from infra.local.settings import StackSettings
from infra.local.stack import Stack

INGEST, TRAIN = "ingest_diabetes", "train_models_diabetes_simple"
RECORD = {"race": "Caucasian", "gender": "Female", "age": "[60-70)"}
OWN_RUN_SECONDS = 8
"""How long Airflow may take to start the run that a DAG's schedule or new training data call for."""
MODEL_SECONDS = 90
"""How long the API may take to pick a new model up."""


def run_demo(stack: Stack, console: Console) -> None:
    """Start all, ingest, train, predict, and say what can be done now; the stack is left running."""
    begun = _begun()
    stack.up()
    with AirflowClient(stack.settings) as airflow:
        with console.status("waiting for Airflow to read the DAGs"):
            wait_until_known(airflow, (INGEST, TRAIN))
        for dag_id in (INGEST, TRAIN):  # in this order: training on no data would fail
            console.print(f"[bold]{dag_id}[/]")
            follow_run(airflow, dag_id, present_run(airflow, dag_id), console)
    _show_prediction(stack.settings, console, begun)
    console.print(service_table(stack.settings))
    console.print(f"Memory of the whole stack (PSS): {stack.memory() / 1024**3:.2f} GB")
    console.print(f"Logs: {stack.settings.places.logs} or make logs NAME=api. Stop: make down.", soft_wrap=True)


def _begun() -> float:
    """When the user pressed return: make says so, since it creates the environment before this program starts."""
    given = os.environ.get("DEMO_STARTED_AT", "")
    return float(given) if given.isdecimal() else time.time()


def present_run(airflow: AirflowClient, dag_id: str) -> str:
    """Enable the DAG and give its present run: one that its schedule or new data start, else one of our own."""
    known = {run["dag_run_id"] for run in airflow.newest_runs(dag_id) if run["state"] in ("success", "failed")}
    airflow.unpause(dag_id)
    deadline = time.monotonic() + OWN_RUN_SECONDS
    while time.monotonic() < deadline:
        for run in airflow.newest_runs(dag_id):
            if run["dag_run_id"] not in known:
                return str(run["dag_run_id"])
        time.sleep(1)
    return airflow.trigger(dag_id)


def _show_prediction(settings: StackSettings, console: Console, begun: float) -> None:
    with httpx.Client(base_url=settings.url(settings.api_port), timeout=30) as api:
        with console.status("waiting for the API to load the model"):
            _wait_for_model(api)
        answer = _json(api.post("/predict", json={"records": [RECORD]}))
        seconds = time.time() - begun
        model = _json(api.get("/model"))
    source, auroc = model["data_source"], model["metrics"]["auroc"]
    trained = datetime.fromisoformat(model["trained_at"]).strftime("%Y-%m-%d %H:%M %Z").strip()
    console.print(f"\nPOST /predict {RECORD}", markup=False, soft_wrap=True)
    console.print(f"[bold green]Readmission within 30 days: {answer['predictions'][0]:.1%}[/]")
    console.print(
        f"Model {model['name']} version {model['version']} ({model['algorithm']}), trained {trained} on "
        f"{source} data; AUROC {auroc['value']:.3f} [{auroc['low']:.3f}, {auroc['high']:.3f}]",
        markup=False,
        soft_wrap=True,
    )
    if source == "synthetic":
        console.print(
            "[yellow]The data are synthetic: no DATA_FILE is set, and the UCI repository was not reached or not asked. "
            "This model shows that the platform works, and says nothing about patients.[/]",
            soft_wrap=True,
        )
    console.print(f"Time to the first prediction: {seconds:.0f} s\n")


def _wait_for_model(api: httpx.Client) -> None:
    """Return once the API has looked at the registry again and serves what is in production there."""
    since, deadline = datetime.now(UTC), time.monotonic() + MODEL_SECONDS
    while not _follows_registry(answer := api.get("/model"), since):
        if time.monotonic() > deadline:
            refused = "" if answer.is_error else (answer.json()["refused"] or {}).get("reason", "it gives no reason")
            raise StackError(f"Training succeeded but the API does not serve its model: {refused or _detail(answer)}.")
        time.sleep(1)


def _follows_registry(answer: httpx.Response, since: datetime) -> bool:
    if answer.is_error:
        return False
    model = answer.json()
    checked_at = model["registry"]["checked_at"]
    looked_again = checked_at is not None and datetime.fromisoformat(checked_at) > since
    return looked_again and bool(model["version"] == model["registry"]["version"])


def _json(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_error:
        raise StackError(f"The API refuses {answer.request.url.path}: {_detail(answer)}.")
    found: dict[str, Any] = answer.json()
    return found


def _detail(answer: httpx.Response) -> str:
    if "json" in answer.headers.get("content-type", ""):
        return str(answer.json().get("detail", answer.status_code))
    return f"{answer.status_code} {answer.reason_phrase}"
