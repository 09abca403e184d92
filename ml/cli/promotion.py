"""``promote``, ``rollback``, ``list``, ``ledger`` and ``reproduce``."""

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ml.cli.common import app, console, errors, registry_of, warehouse_of_settings, working
from ml.core.errors import SettingsError, WarehouseError
from ml.core.settings import MlflowSettings, MlSettings

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ml.registry.client import Registry


@app.command()
def promote(
    version: Annotated[str | None, typer.Argument(help="Number of the version; default: the challenger.")] = None,
) -> None:
    """Let the gate decide whether a version becomes production."""
    with warehouse_of_settings() as (settings, engine), working("Deciding"):
        let_the_gate_decide(settings, engine, registry_of(settings), version)


@app.command()
def rollback(
    to: Annotated[str | None, typer.Option(help="Number of the version; default: the one before.")] = None,
) -> None:
    """Let production point to the version it pointed to before, or to another one."""
    from ml.promotion.ledger import current_user
    from ml.promotion.production_alias import roll_back

    with warehouse_of_settings() as (settings, engine), working("Going back"):
        withdrawn, present = roll_back(engine, registry_of(settings), current_user(), to)
    console.print(f"Production is version {present} again; version {withdrawn} is withdrawn.")


@app.command(name="list")
def list_versions() -> None:
    """List the registered versions, the newest first, and say if production was moved by hand."""
    registry = registry_of(MlflowSettings.load())
    table = Table("version", "aliases", "algorithm", "data", "data version", "gate", "rule", "reason")
    for found in registry.versions():
        tags = found.tags
        withdrawn = ", withdrawn" if "gate.rolled_back" in tags else ""
        table.add_row(
            found.number,
            ", ".join(found.aliases),
            tags.get("algorithm", ""),
            tags.get("data_source", ""),
            tags.get("data_version", "")[:12],
            tags.get("gate.decision", "not yet") + withdrawn,
            tags.get("gate.rule", ""),
            tags.get("gate.reason", ""),
        )
    console.print(table)
    if note := _note_on_production(registry):
        console.print(f"[bold yellow]{note}[/]")


@app.command()
def ledger(
    limit: Annotated[int | None, typer.Option(help="Only so many, the newest.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With all figures, as JSON.")] = False,
) -> None:
    """Print the decisions about production, the newest first."""
    from ml.promotion.ledger import Ledger

    with warehouse_of_settings() as (_, engine):
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


@app.command()
def reproduce(version: Annotated[str, typer.Argument(help="Number of the version.")]) -> None:
    """Train a version again from what it logged, and compare the answers for the test patients."""
    from ml.training.reproduce import reproduce as run

    with warehouse_of_settings() as (settings, engine), working("Training again"):
        done = run(settings, engine, registry_of(settings), version)
    console.print(
        f"Version {version} is reproduced: over {done.encounters:,} test encounters its answers differ by "
        f"{done.difference:.1e} at most.",
        highlight=False,
    )


def let_the_gate_decide(settings: MlSettings, engine: "sa.Engine", registry: "Registry", version: str | None) -> None:
    """Run the gate on a version, by default the challenger, and say what came of it."""
    from ml.promotion.gate import run_gate

    outcome = run_gate(settings, engine, registry, version)
    verdict = "promoted to production" if outcome.decision.promote else "not promoted"
    known = "" if outcome.new else " (decided before)"
    if outcome.note:
        console.print(outcome.note)
    console.print(f"Version {outcome.version} {verdict}{known}: {outcome.decision.reason.rstrip('.')}.")


def _note_on_production(registry: "Registry") -> str | None:
    """Whether somebody moved the alias; a list of versions is of use even when the ledger cannot be read."""
    from ml.promotion.ledger import Ledger, current_user
    from ml.promotion.production_alias import manual_move, record_manual_move

    try:
        with warehouse_of_settings() as (_, engine):
            record_manual_move(registry, Ledger(engine), current_user())
            return manual_move(Ledger(engine))
    except (SettingsError, WarehouseError) as error:
        errors.print(f"The ledger cannot be read, so a move by hand would not be seen: {error}", highlight=False)
        return None
