"""``score``."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from ml.cli.common import By, check_choice, console, errors, open_registry, open_warehouse
from ml.schema.code_systems import CodeSystem


def score(
    source: Annotated[
        str,
        typer.Option(
            "--from", help="The table raw_data, a CSV file, a Parquet file, or a folder with files *.parquet."
        ),
    ] = "raw_data",
    target: Annotated[
        str, typer.Option("--to", help="The table scores, or a folder, which gets Parquet files.")
    ] = "scores",
    version: Annotated[str | None, typer.Option(help="Number of an approved version; default: production.")] = None,
    rows_per_part: Annotated[
        int, typer.Option(help="Rows that are written at a time.", min=100, max=1_000_000)
    ] = 100_000,
    code_system: Annotated[str, typer.Option(help="Of the diagnoses: icd-9-cm or icd-10-cm.")] = "icd-9-cm",
    by: By = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Score stored records, any number of them, with the earlier stays of their patients.

    The same command continues a run that was interrupted, and changes nothing after a complete one. A record that is
    not valid gets an error in place of a risk.
    """
    check_choice(code_system, tuple(CodeSystem), "--code-system")
    from ml.promotion.ledger import current_user
    from ml.scoring.run import Job
    from ml.scoring.run import score as run

    job = Job(source, target, version, rows_per_part, CodeSystem(code_system))
    with open_warehouse() as (settings, engine):
        done = run(settings, engine, open_registry(settings), job, by or current_user())
    if as_json:
        typer.echo(json.dumps({**asdict(done), "rows_per_second": done.rows_per_second}, indent=1))
        return
    for group in done.errors:
        places = ", ".join(map(str, group["first"]))
        text = f"{group['error']} (records: {group['records']:,}; {done.unit} {places})"
        errors.print(text, style="yellow", soft_wrap=True)
    new = done.rows - done.rows_before
    state = f"Scored {new:,} records, {done.rows_per_second:,.0f} a second" if new else "Nothing new"
    console.print(
        f"{state}: {done.target} holds {done.rows:,} records of {done.source} by version {done.version}, "
        f"{done.invalid:,} of them not valid.",
        soft_wrap=True,
    )
