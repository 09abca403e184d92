"""``retain``."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from ml.cli.common import By, console, errors, open_warehouse, print_table


def retain(
    apply: Annotated[bool, typer.Option("--apply", help="Delete; without it, only say what would be deleted.")] = False,
    days: Annotated[int | None, typer.Option(help="Keep everything that is younger; else RETAIN_DAYS.", min=1)] = None,
    versions: Annotated[int, typer.Option(help="Newest versions, and runs of each experiment, to keep.", min=1)] = 10,
    decisions: Annotated[int, typer.Option(help="Keep versions that so many latest decisions name.", min=1)] = 20,
    load_test_days: Annotated[int, typer.Option(help="Keep predictions of load tests for so long.", min=1)] = 14,
    access_log_days: Annotated[
        int | None, typer.Option(help="Keep the access log for so long; else ACCESS_LOG_DAYS.", min=1)
    ] = None,
    by: By = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Delete old model versions, runs, monitoring results, scorings, rejected rows, searches, load tests, access log.

    Never deleted: versions with an alias, the version in production, the one a rollback would go to, and the ledger.
    """
    from ml.promotion.ledger import current_user
    from ml.retention.plan import Limits
    from ml.retention.retain import retain as run

    with open_warehouse() as (settings, engine), errors.status("Looking for what is old …") as status:
        limits = Limits(
            days or settings.retain_days,
            versions,
            decisions,
            load_test_days,
            access_log_days or settings.access_log_days,
        )
        user, told = by or current_user(), lambda step: status.update(f"Deleting {step} …")
        done = run(settings, engine, limits, apply=apply, actor=user, on_step=told)
    if as_json:
        typer.echo(json.dumps({"applied": apply, **asdict(done)}, indent=1))
        return
    table = Table("what", "deleted" if apply else "would be deleted")
    for name, number in done.counts.items():
        listed = f": {', '.join(done.versions)}" if name == "model versions" and done.versions else ""
        table.add_row(name, f"{number:,}{listed}")
    print_table(table)
    if apply:
        console.print(f"{done.freed_bytes / 1e6:,.1f} MB of files were deleted.")
    else:
        console.print("Nothing was deleted: python -m ml retain --apply deletes it.")
