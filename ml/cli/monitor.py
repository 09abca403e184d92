"""``monitor``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ml.cli.common import console, open_registry, open_warehouse, print_table, spinner

if TYPE_CHECKING:
    from ml.monitoring.drift import Finding


def monitor(
    everything: Annotated[bool, typer.Option("--all", help="Print every test, not only those in drift.")] = False,
) -> None:
    """Compare the newest predictions with what the model in production was made of."""
    from ml.monitoring.run import monitor as run

    with open_warehouse() as (settings, engine), spinner("Comparing"):
        result = run(settings, engine, open_registry(settings))
    if findings := result.findings if everything else result.drifted:
        print_table(_table(findings))
    for note in result.details["notes"]:
        console.print(note)
    state = str(result.state).replace("_", " ")
    console.print(
        f"Run {result.run_id}, {result.predictions:,} predictions, version {result.model_version} in production: "
        f"{state}, {len(result.drifted)} of {len(result.findings)} tests.",
        soft_wrap=True,
    )


def _table(findings: "Sequence[Finding]") -> Table:
    table = Table("kind", "feature", "state", "records", "distance", "drift from", title="Drift")
    for finding in findings:
        numbers = ("–" if number is None else f"{number:.3f}" for number in (finding.distance, finding.threshold))
        state = str(finding.state).replace("_", " ")
        table.add_row(finding.kind, finding.feature, state, f"{finding.records:,}", *numbers)
    return table
