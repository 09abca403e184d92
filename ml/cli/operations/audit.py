"""``audit``."""

import json
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.table import Table

from ml.cli.common import console, open_warehouse, print_table

_FORMATS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


def audit(
    patient: Annotated[str | None, typer.Option(help="The patient's number (patient_nbr).")] = None,
    encounter: Annotated[str | None, typer.Option(help="The encounter's number (encounter_id).")] = None,
    client: Annotated[str | None, typer.Option(help="Name of an API key, or the pseudonym of an address.")] = None,
    since: Annotated[datetime | None, typer.Option(help="First day or moment, UTC.", formats=_FORMATS)] = None,
    limit: Annotated[int, typer.Option(help="Only so many entries, the newest.", min=1)] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Print who asked the prediction service about which patient, the newest first."""
    from ml.warehouse.accesses import read_accesses

    with open_warehouse() as (settings, engine):
        entries = read_accesses(
            engine,
            settings.prediction_log_key.get_secret_value(),
            patient=_identifier(patient, "--patient"),
            encounter=_identifier(encounter, "--encounter"),
            client=client,
            since=since and since.replace(tzinfo=UTC),
            limit=limit,
        )
    if as_json:
        rows = [{**entry._mapping, "accessed_at": entry.accessed_at.isoformat()} for entry in entries]
        typer.echo(json.dumps(rows, indent=1))
        return
    table = Table("accessed at (UTC)", "client", "action", "patient", "encounter", "request")
    for entry in entries:
        texts = (entry.client, entry.action, entry.patient, entry.encounter, entry.request_id)
        table.add_row(f"{entry.accessed_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}", *(text or "" for text in texts))
    if entries:
        print_table(table)
    else:
        console.print("The access log has no such entry.")


def _identifier(text: str | None, option: str) -> int | str | None:
    from ml.schema.identifiers import canonical_identifier

    try:
        return None if text is None else canonical_identifier(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is {error}", param_hint=option) from error
