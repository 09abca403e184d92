"""The command line: the same steps that the DAGs run, for a terminal."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table

from ml.errors import PlatformError
from ml.schema import BY_NAME, FEATURE_NAMES
from ml.settings import MlflowSettings, MlSettings

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ml.registry import Registry

app = typer.Typer(
    help="Ingest encounters, train and tune models, and decide which one is in production.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()
_errors = Console(stderr=True)


def main() -> None:
    """Run the command line; an error that a user can act on is one sentence and exit code 2."""
    try:
        app()
    except PlatformError as error:
        _errors.print(f"[bold red]Error:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(2)


@app.callback()
def _logging(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print results only, no progress.")] = False,
) -> None:
    handler = RichHandler(console=_errors, show_path=False, log_time_format="%H:%M:%S")
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    logging.getLogger("ml").setLevel(logging.WARNING if quiet else logging.INFO)


@app.command()
def migrate() -> None:
    """Bring the tables of the diabetes database up to date."""
    from ml import migrations

    with _warehouse() as (_, engine):
        migrations.upgrade(engine)
    console.print("The diabetes database is up to date.")


@app.command()
def ingest() -> None:
    """Fetch the data of DATA_SOURCE, validate, load and split them."""
    from ml.ingest import ingest as run

    with _warehouse() as (settings, engine), _working("Ingesting"):
        split = run(settings, engine)
    state = "Loaded" if split.new else "Nothing new:"
    console.print(
        f"{state} {split.provenance} data, version {split.data_version[:12]}: "
        f"{split.train_rows:,} encounters to train on, {split.test_rows:,} to test on."
    )


@app.command()
def train(
    family: Annotated[str, typer.Option(help="random_forest or gradient_boosting.")] = "random_forest",
    gate: Annotated[bool, typer.Option(help="Let the gate decide on the new version.")] = True,
) -> None:
    """Train a model on the training data, register it, and let the gate decide."""
    from ml.models import FAMILIES, RANDOM_FOREST
    from ml.train import train as run

    if family not in FAMILIES:
        raise typer.BadParameter(f"{family!r} is not one of {', '.join(FAMILIES)}", param_hint="--family")
    with _warehouse() as (settings, engine), _working("Training"):
        registry = _registry(settings)
        parameters = {"n_estimators": settings.forest_trees} if family == RANDOM_FOREST else {}
        trained = run(settings, engine, registry, family, parameters)
        console.print(f"{'Registered' if trained.new else 'Nothing new:'} version {trained.version}.")
        if gate:
            _gate(settings, engine, registry, trained.version)


@app.command()
def tune(
    trials: Annotated[int | None, typer.Option(help="Trials of the search; default TUNE_TRIALS.", min=1)] = None,
) -> None:
    """Search the model families for the best settings, refit the best, and let the gate decide."""
    from rich.progress import Progress

    from ml import tune as search
    from ml.train import train as refit

    with _warehouse() as (settings, engine):
        settings = settings.model_copy(update={"tune_trials": trials}) if trials else settings
        planned = search.plan(settings, engine)
        with Progress(console=_errors) as progress:
            for slot in progress.track(planned.slots, description="Trials"):
                search.run_trial(settings, engine, planned.study, slot)
        best = search.best(settings, planned.study)
        registry = _registry(settings)
        with _working("Refitting"):
            trained = refit(settings, engine, registry, best.family, best.parameters)
            _gate(settings, engine, registry, trained.version)


@app.command()
def evaluate(version: Annotated[str, typer.Argument(help="Number of the version.")]) -> None:
    """Evaluate a registered version on the present test patients."""
    from ml.gate import measure

    with _warehouse() as (settings, engine), _working("Evaluating"):
        metrics = measure(settings, engine, _registry(settings), version)
    table = Table("metric", "value", "95 % interval", title=f"Version {version} on the test patients")
    for name, interval in metrics.items():
        table.add_row(name, f"{interval['value']:.4f}", f"{interval['low']:.4f} to {interval['high']:.4f}")
    console.print(table)


@app.command()
def promote(
    version: Annotated[str | None, typer.Argument(help="Number of the version; default: the challenger.")] = None,
) -> None:
    """Let the gate decide whether a version becomes production."""
    with _warehouse() as (settings, engine), _working("Deciding"):
        _gate(settings, engine, _registry(settings), version)


@app.command()
def rollback() -> None:
    """Let production point to the version it pointed to before."""
    from ml.gate import roll_back

    withdrawn, present = roll_back(_registry(MlflowSettings.load()))
    console.print(f"Production is version {present} again; version {withdrawn} is withdrawn.")


@app.command(name="list")
def list_versions() -> None:
    """List the registered versions, the newest first."""
    table = Table("version", "aliases", "algorithm", "data", "data version", "gate", "reason")
    for found in _registry(MlflowSettings.load()).versions():
        tags = found.tags
        table.add_row(
            found.number,
            ", ".join(found.aliases),
            tags.get("algorithm", ""),
            tags.get("data_source", ""),
            tags.get("data_version", "")[:12],
            tags.get("gate.decision", "not yet"),
            tags.get("gate.reason", ""),
        )
    console.print(table)


@app.command()
def predict(
    file: Annotated[Path, typer.Argument(help='JSON file: {"records": [...]}, or - for standard input.')],
    version: Annotated[str | None, typer.Option(help="Number of the version; default: production.")] = None,
) -> None:
    """Predict records with a registered version, without the API; prints the probabilities as JSON."""
    from ml.gate import predict as run

    records = _records(_body(file))
    answer = run(_registry(MlflowSettings.load()), records, version)
    typer.echo(json.dumps({"predictions": answer}))


def _body(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} cannot be read: {error}") from None


def _records(body: str) -> list[dict[str, Any]]:
    try:
        records = json.loads(body)["records"]
    except (ValueError, TypeError, KeyError):
        raise typer.BadParameter('expected JSON such as {"records": [{"age": "[60-70)"}]}') from None
    if not isinstance(records, list) or not records:
        raise typer.BadParameter("'records' must be a list of at least one record")
    for position, record in enumerate(records):
        if fault := _fault(record):
            raise typer.BadParameter(f"record {position}: {fault}")
    return records


def _fault(record: Any) -> str | None:
    """What is wrong with a record, if anything; the API says the same, at more length."""
    if not isinstance(record, dict):
        return "must be an object of feature names and values"
    for name, value in record.items():
        if name not in FEATURE_NAMES:
            return f"there is no feature {name!r}"
        column = BY_NAME[name]
        if value is not None and not column.accepts(value):
            return f"{name} is {value!r}, expected {column.expectation}"
    return None


def _gate(settings: MlSettings, engine: "sa.Engine", registry: "Registry", version: str | None) -> None:
    from ml.gate import run_gate

    outcome = run_gate(settings, engine, registry, version)
    verdict = "promoted to production" if outcome.decision.promote else "not promoted"
    known = "" if outcome.new else " (decided before)"
    console.print(f"Version {outcome.version} {verdict}{known}: {outcome.decision.reason}.")


def _registry(settings: MlflowSettings) -> "Registry":
    from ml.registry import Registry

    return Registry(settings)


@contextmanager
def _warehouse() -> Iterator[tuple[MlSettings, "sa.Engine"]]:
    from ml.warehouse.connection import warehouse

    settings = MlSettings.load()
    with warehouse(settings) as engine:
        yield settings, engine


@contextmanager
def _working(what: str) -> Iterator[None]:
    with _errors.status(f"{what} …"):
        yield
