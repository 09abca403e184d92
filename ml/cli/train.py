"""``train`` and ``tune``."""

from collections import deque
from typing import Annotated

import typer

from ml.cli.common import check_choice, console, open_registry, open_warehouse, progress_bars, spinner
from ml.cli.promotion import run_gate


def train(
    family: Annotated[str, typer.Option(help="random_forest or gradient_boosting.")] = "random_forest",
    gate: Annotated[bool, typer.Option(help="Let the gate decide on the new version.")] = True,
) -> None:
    """Train a model on the training data, register it, let the gate decide, and make its report."""
    from ml.report.write import write_report
    from ml.training.models import FAMILIES, RANDOM_FOREST
    from ml.training.train import train as run

    check_choice(family, FAMILIES, "--family")
    with open_warehouse() as (settings, engine), spinner("Training"):
        registry = open_registry(settings)
        parameters = {"n_estimators": settings.forest_trees} if family == RANDOM_FOREST else {}
        trained = run(settings, engine, registry, family, parameters)
        console.print(f"{'Registered' if trained.new else 'Nothing new:'} version {trained.version}.")
        if gate:
            run_gate(settings, engine, registry, trained.version)
        write_report(settings, engine, registry, trained.version)


def tune(
    trials: Annotated[int | None, typer.Option(help="Trials of the search; default TUNE_TRIALS.", min=1)] = None,
) -> None:
    """Search the model families for the best settings, refit the best, let the gate decide, and make its report."""
    from ml.report.write import write_report
    from ml.training import tune as search
    from ml.training.train import train as refit

    with open_warehouse() as (settings, engine):
        settings = settings.model_copy(update={"tune_trials": trials}) if trials else settings
        planned = search.plan(settings, engine)
        with progress_bars() as progress:
            trials_of_search = search.run_trials(settings, engine, planned.study, planned.slots)
            deque(progress.track(trials_of_search, len(planned.slots), description="Trials"), maxlen=0)
        best = search.best(settings, planned.study)
        registry = open_registry(settings)
        with spinner("Refitting"):
            trained = refit(settings, engine, registry, best.family, best.parameters)
            run_gate(settings, engine, registry, trained.version)
            write_report(settings, engine, registry, trained.version)
