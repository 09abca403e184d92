"""``simulate``."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ml.cli.common import app, console, errors, warehouse_of_settings
from ml.core.settings import ApiClientSettings

if TYPE_CHECKING:
    from ml.simulation.simulate import Progress as OnProgress


@app.command()
def simulate(
    records: Annotated[int, typer.Option(help="Encounters to replay.", min=1)] = 2_000,
    days: Annotated[int, typer.Option(help="Days over which they are spread, up to now.", min=1, max=365)] = 60,
    api: Annotated[str | None, typer.Option(help="Address of the prediction service; default: API_URL.")] = None,
    api_key: Annotated[str | None, typer.Option(help="Key to send to it; default: API_KEY.")] = None,
    drift: Annotated[str, typer.Option(help="What changes: none, age, payer, lab or icd.")] = "none",
    known: Annotated[str, typer.Option(help="What is told of each encounter: full, form or mixed.")] = "full",
    never_told: Annotated[float, typer.Option(help="Share of the outcomes that nobody tells.", min=0, max=1)] = 0.1,
    seed: Annotated[int, typer.Option(help="Of the choice of encounters.", min=0)] = 296,
    force: Annotated[bool, typer.Option("--force", help="Delete all earlier simulations.")] = False,
) -> None:
    """Replay held-out encounters as traffic of the last days, with the outcomes that would be known by now.

    For demonstrations and tests, never for a real installation: the predictions are made by the service as any
    others, then dated back in its log, and count in all metrics from then on. It therefore never runs where the log
    holds real predictions, that is, any that are not of a simulation or a load test.
    """
    from ml.simulation.api_client import ApiClient
    from ml.simulation.drift_scenarios import SHIFTS
    from ml.simulation.replay import KNOWN
    from ml.simulation.simulate import Plan
    from ml.simulation.simulate import simulate as run

    for name, value, choices in (("--drift", drift, SHIFTS), ("--known", known, KNOWN)):
        if value not in choices:
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(choices)}", param_hint=name)
    client = ApiClientSettings.load()
    key = client.api_key.get_secret_value() if api_key is None else api_key
    plan = Plan(records, days, drift, known, seed, never_told, force)
    with (
        warehouse_of_settings() as (settings, engine),
        ApiClient(api or client.api_url, key) as service,
        _progress() as on_progress,
    ):
        done = run(settings, engine, service, plan, on_progress)
    console.print(
        f"Simulation {done.run}: {done.records:,} predictions over the last {days} days (drift: {drift}), and "
        f"{done.outcomes:,} outcomes. Their request ids begin with sim-{done.run}-.",
        highlight=False,
    )


@contextmanager
def _progress() -> Iterator["OnProgress"]:
    """Yield what to call as work goes on; a step shows how far it is once it has begun."""
    from ml.simulation.simulate import STEPS

    columns = (TextColumn("{task.description}"), SpinnerColumn(), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=errors) as progress:
        tasks = {step: progress.add_task(step, total=None, start=False, visible=False) for step in STEPS}

        def on_progress(step: str, done: int, total: int) -> None:
            progress.start_task(tasks[step])
            progress.update(tasks[step], completed=done, total=total, visible=True)

        yield on_progress
