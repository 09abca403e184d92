"""``train`` and ``tune``."""

from typing import Annotated

import typer

from ml.cli.common import app, console, errors, registry_of, warehouse_of_settings, working
from ml.cli.promotion import let_the_gate_decide


@app.command()
def train(
    family: Annotated[str, typer.Option(help="random_forest or gradient_boosting.")] = "random_forest",
    gate: Annotated[bool, typer.Option(help="Let the gate decide on the new version.")] = True,
) -> None:
    """Train a model on the training data, register it, and let the gate decide."""
    from ml.training.models import FAMILIES, RANDOM_FOREST
    from ml.training.train import train as run

    if family not in FAMILIES:
        raise typer.BadParameter(f"{family!r} is not one of {', '.join(FAMILIES)}", param_hint="--family")
    with warehouse_of_settings() as (settings, engine), working("Training"):
        registry = registry_of(settings)
        parameters = {"n_estimators": settings.forest_trees} if family == RANDOM_FOREST else {}
        trained = run(settings, engine, registry, family, parameters)
        console.print(f"{'Registered' if trained.new else 'Nothing new:'} version {trained.version}.")
        if gate:
            let_the_gate_decide(settings, engine, registry, trained.version)


@app.command()
def tune(
    trials: Annotated[int | None, typer.Option(help="Trials of the search; default TUNE_TRIALS.", min=1)] = None,
) -> None:
    """Search the model families for the best settings, refit the best, and let the gate decide."""
    from rich.progress import Progress

    from ml.training import tune as search
    from ml.training.train import train as refit

    with warehouse_of_settings() as (settings, engine):
        settings = settings.model_copy(update={"tune_trials": trials}) if trials else settings
        planned = search.plan(settings, engine)
        with Progress(console=errors) as progress:
            for slot in progress.track(planned.slots, description="Trials"):
                search.run_trial(settings, engine, planned.study, slot)
        best = search.best(settings, planned.study)
        registry = registry_of(settings)
        with working("Refitting"):
            trained = refit(settings, engine, registry, best.family, best.parameters)
            let_the_gate_decide(settings, engine, registry, trained.version)
