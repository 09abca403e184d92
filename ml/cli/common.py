"""Consoles, connections and progress displays that several commands use."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final
from unicodedata import category

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ml.core.settings import MlflowSettings, MlSettings

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ml.registry.client import Registry

By = Annotated[str | None, typer.Option(help="Who decides; default: the user of this program.")]

_NO_LIMIT: Final = 10_000
"""Columns that no table has."""


class PlainConsole(Console):
    """Prints texts as they are: brackets and colons are no markup, and control characters are shown escaped."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Convert a text for printing."""
        return super().render_str(escaped(text), **options)


console: Final = PlainConsole()
errors: Final = PlainConsole(stderr=True)


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


def print_table(table: Table, out: Console = console) -> None:
    """Print a table with nothing cut: what is too wide for the terminal is printed as a block of lines per row."""
    width = Measurement.get(out, out.options.update(width=_NO_LIMIT), table).maximum
    if not out.is_terminal or width <= out.width:
        out.width = max(out.width, width)
        out.print(table)
        return
    if table.title:
        out.print(table.title, style="italic", soft_wrap=True)
    columns = [(str(column.header), list(column.cells)) for column in table.columns]
    label = max(len(header) for header, _ in columns)
    for row in range(table.row_count):
        out.rule()
        for header, cells in columns:
            out.print(f"{header:<{label}}  ", cells[row], sep="", soft_wrap=True)


def escaped(text: str) -> str:
    """A text whose control and format characters, such as those that move a terminal's cursor, are shown as codes."""
    shown = (c if c in "\n\t" or category(c)[0] != "C" else f"\\x{ord(c):02x}" for c in text)
    return "".join(shown)


def progress_bars() -> Progress:
    """Progress bars on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=errors)


def check_choice(value: str, choices: Collection[str], option: str) -> None:
    """Refuse a value of an option that is not one of the choices."""
    if value not in choices:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(choices)}", param_hint=option)
