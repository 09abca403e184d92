"""``simulate``."""

from typing import Annotated

import typer
from rich.progress import TaskID

from ml.cli.common import check_choice, console, open_warehouse, progress_bars
from ml.core.errors import SimulationError
from ml.core.settings import ApiClientSettings


def simulate(
    records: Annotated[int, typer.Option(help="Encounters to replay.", min=1)] = 2_000,
    days: Annotated[int, typer.Option(help="Days over which they are spread, up to now.", min=1, max=365)] = 60,
    api: Annotated[str | None, typer.Option(help="Address of the prediction service; default: API_URL.")] = None,
    api_key: Annotated[str | None, typer.Option(help="Key to send to it; default: API_KEY.")] = None,
    drift: Annotated[str, typer.Option(help="Drift to apply: none, age, payer, lab or icd.")] = "none",
    known: Annotated[str, typer.Option(help="Known fields of each encounter: full, form or mixed.")] = "full",
    never_told: Annotated[float, typer.Option(help="Share of outcomes never reported.", min=0, max=1)] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed for the choice of encounters.", min=0)] = 296,
    force: Annotated[bool, typer.Option("--force", help="Delete all earlier simulations.")] = False,
) -> None:
    """Replay test encounters as traffic of the last days, with the outcomes that would be known by now.

    For demonstrations and tests only. The service makes the predictions, then their times in its log are moved
    back, so they count in all metrics from then on. A log that holds real predictions is refused, with --force too:
    real predictions are all but those of simulations and load tests.
    """
    try:
        from ml.simulation.api_client import ApiClient
        from ml.simulation.drift_scenarios import SHIFTS
        from ml.simulation.replay import KNOWN
        from ml.simulation.simulate import Plan
        from ml.simulation.simulate import simulate as run
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("ml.simulation"):
            raise
        raise SimulationError("simulate is not part of this image: run it natively.") from None

    check_choice(drift, SHIFTS, "--drift")
    check_choice(known, KNOWN, "--known")
    client = ApiClientSettings.load()
    key = client.api_key.get_secret_value() if api_key is None else api_key
    plan = Plan(records, days, drift, known, seed, never_told, force)
    tasks: dict[str, TaskID] = {}
    with (
        open_warehouse() as (settings, engine),
        ApiClient(api or client.api_url, key) as service,
        progress_bars() as bars,
    ):

        def on_progress(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done)

        simulated = run(settings, engine, service, plan, on_progress)
    console.print(
        f"Simulation {simulated.run}: {simulated.records:,} predictions over the last {days} days (drift: {drift}), "
        f"and {simulated.outcomes:,} outcomes. Their request ids begin with sim-{simulated.run}-.",
    )
