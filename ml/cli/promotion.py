"""``promote``, ``rollback``, ``list``, ``ledger`` and ``reproduce``."""

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ml.cli.common import console, errors, open_registry, open_warehouse, spinner
from ml.core.errors import SettingsError, WarehouseError
from ml.core.settings import MlSettings

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ml.registry.client import Registry


def promote(
    version: Annotated[str | None, typer.Argument(help="Number of the version; default: the challenger.")] = None,
) -> None:
    """Let the gate decide whether a version becomes production."""
    with open_warehouse() as (settings, engine), spinner("Deciding"):
        run_gate(settings, engine, open_registry(settings), version)


def rollback(
    to: Annotated[str | None, typer.Option(help="Number of the version; default: the one before.")] = None,
) -> None:
    """Point production to the version before the present one, or to another version."""
    from ml.promotion.ledger import current_user
    from ml.promotion.production_alias import roll_back

    with open_warehouse() as (settings, engine), spinner("Going back"):
        withdrawn, present = roll_back(engine, open_registry(settings), current_user(), to)
    console.print(f"Production is version {present} again; version {withdrawn} is withdrawn.")


def list_versions() -> None:
    """List the registered versions, the newest first, and report if production was moved by hand."""
    registry = open_registry()
    table = Table("version", "aliases", "algorithm", "data", "data version", "gate", "rule", "reason")
    for version in registry.versions():
        tags = version.tags
        withdrawn = ", withdrawn" if "gate.rolled_back" in tags else ""
        table.add_row(
            version.number,
            ", ".join(version.aliases),
            tags.get("algorithm", ""),
            tags.get("data_source", ""),
            tags.get("data_version", "")[:12],
            tags.get("gate.decision", "not yet") + withdrawn,
            tags.get("gate.rule", ""),
            tags.get("gate.reason", ""),
        )
    console.print(table)
    if note := _manual_move(registry):
        console.print(f"[bold yellow]{note}[/]")


def ledger(
    limit: Annotated[int | None, typer.Option(help="Only so many, the newest.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With all metrics, as JSON.")] = False,
) -> None:
    """Print the decisions about production, the newest first."""
    from ml.promotion.ledger import Ledger

    with open_warehouse() as (_, engine):
        entries = Ledger(engine).entries(limit)
    if as_json:
        typer.echo(json.dumps([entry.to_json() for entry in entries], indent=1))
        return
    table = Table("decided at (UTC)", "action", "version", "production before", "by", "rule", "reason")
    for entry in entries:
        table.add_row(
            f"{entry.decided_at:%Y-%m-%d %H:%M:%S}",
            str(entry.action) + ("" if entry.completed_at else ", interrupted"),
            entry.version or "none",
            entry.incumbent or "none",
            entry.actor,
            entry.rule,
            entry.reason,
        )
    console.print(table)


def reproduce(version: Annotated[str, typer.Argument(help="Number of the version.")]) -> None:
    """Retrain a version from its logged inputs and compare the predictions for the test patients."""
    from ml.training.reproduce import reproduce as run

    with open_warehouse() as (settings, engine), spinner("Training again"):
        result = run(settings, engine, open_registry(settings), version)
    console.print(
        f"Version {version} is reproduced: over {result.encounters:,} test encounters its answers differ by "
        f"{result.difference:.1e} at most.",
        highlight=False,
    )


def run_gate(settings: MlSettings, engine: "sa.Engine", registry: "Registry", version: str | None) -> None:
    """Run the gate on a version, by default the challenger, and print the decision."""
    from ml.promotion.gate import run_gate as run

    outcome = run(settings, engine, registry, version)
    verdict = "promoted to production" if outcome.decision.promote else "not promoted"
    repeated = "" if outcome.new else " (decided before)"
    if outcome.note:
        console.print(outcome.note)
    console.print(f"Version {outcome.version} {verdict}{repeated}: {outcome.decision.reason.rstrip('.')}.")


def _manual_move(registry: "Registry") -> str | None:
    from ml.promotion.ledger import Ledger, current_user
    from ml.promotion.production_alias import manual_move, record_manual_move

    try:
        with open_warehouse() as (_, engine):
            record_manual_move(registry, Ledger(engine), current_user())
            return manual_move(Ledger(engine))
    except (SettingsError, WarehouseError) as error:  # the list of versions is useful without the ledger
        errors.print(f"The ledger cannot be read, so a move by hand would not be seen: {error}", highlight=False)
        return None
