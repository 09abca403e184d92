"""``monitor``."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ml.cli.common import app, console, registry_of, warehouse_of_settings, working

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml.monitoring.drift import Finding


@app.command()
def monitor(
    everything: Annotated[bool, typer.Option("--all", help="Print every test, not only those in drift.")] = False,
) -> None:
    """Compare the newest predictions with what the model in production was made of."""
    from ml.monitoring.run import monitor as run

    with warehouse_of_settings() as (settings, engine), working("Comparing"):
        found = run(settings, engine, registry_of(settings))
    shown = found.findings if everything else found.drifted
    if shown:
        console.print(_table(shown))
    for note in found.details["notes"]:
        console.print(note, highlight=False)
    state = str(found.state).replace("_", " ")
    console.print(
        f"Run {found.run_id}, {found.predictions:,} predictions, version {found.model_version} in production: "
        f"[bold]{state}[/], {len(found.drifted)} of {len(found.findings)} tests.",
        highlight=False,
        soft_wrap=True,
    )


def _table(findings: "Sequence[Finding]") -> Table:
    table = Table("kind", "feature", "state", "records", "distance", "drift from", title="Drift")
    for found in findings:
        figures = ("–" if figure is None else f"{figure:.3f}" for figure in (found.distance, found.threshold))
        table.add_row(found.kind, found.feature, str(found.state).replace("_", " "), f"{found.records:,}", *figures)
    return table
