"""Consoles, connections and progress displays that several commands use."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ml.core.settings import MlflowSettings, MlSettings

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ml.registry.client import Registry

console: Final = Console()
errors: Final = Console(stderr=True)


def open_registry(settings: MlflowSettings | None = None) -> "Registry":
    """The registry on the MLflow server of the settings."""
    from ml.registry.client import Registry

    return Registry(settings or MlflowSettings.load())


@contextmanager
def open_warehouse() -> Iterator[tuple[MlSettings, "sa.Engine"]]:
    """The settings, and an engine for the ``diabetes`` database."""
    from ml.warehouse.connection import warehouse

    settings = MlSettings.load()
    with warehouse(settings) as engine:
        yield settings, engine


@contextmanager
def spinner(activity: str) -> Iterator[None]:
    """Show an activity on standard error while it runs."""
    with errors.status(f"{activity} …"):
        yield


def progress_bars() -> Progress:
    """Progress bars on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=errors)


def check_choice(value: str, choices: Collection[str], option: str) -> None:
    """Refuse a value of an option that is not one of the choices."""
    if value not in choices:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(choices)}", param_hint=option)
