"""What all commands share: the application, its output, and the services they work on."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler

from ml.core.settings import MlflowSettings, MlSettings

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ml.registry.client import Registry

app = typer.Typer(
    help="Ingest encounters, train and tune models, and decide which one is in production.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()
errors = Console(stderr=True)


@app.callback()
def _logging(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print results only, no progress.")] = False,
) -> None:
    handler = RichHandler(console=errors, show_path=False, log_time_format="%H:%M:%S")
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    logging.getLogger("ml").setLevel(logging.WARNING if quiet else logging.INFO)


def registry_of(settings: MlflowSettings) -> "Registry":
    """The registry on the MLflow server of the settings."""
    from ml.registry.client import Registry

    return Registry(settings)


@contextmanager
def warehouse_of_settings() -> Iterator[tuple[MlSettings, "sa.Engine"]]:
    """The settings, and an engine for the ``diabetes`` database they name."""
    from ml.warehouse.connection import warehouse

    settings = MlSettings.load()
    with warehouse(settings) as engine:
        yield settings, engine


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show on standard error that work goes on."""
    with errors.status(f"{what} …"):
        yield
