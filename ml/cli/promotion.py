"""``promote``, ``rollback``, ``list``, ``ledger``, ``reproduce``, ``adopt`` and ``rotate-signing-key``."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ml.cli.common import By, console, errors, open_registry, open_warehouse, print_table, spinner
from ml.core.errors import SettingsError, WarehouseError
from ml.core.settings import MlSettings

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ml.registry.client import ModelVersion, Registry


def promote(
    version: Annotated[str | None, typer.Argument(help="Number of the version; default: the challenger.")] = None,
    by: By = None,
) -> None:
    """Let the gate decide whether a version becomes production."""
    with open_warehouse() as (settings, engine), spinner("Deciding"):
        run_gate(settings, engine, open_registry(settings), version, by)


def rollback(
    to: Annotated[str | None, typer.Option(help="Number of the version; default: the one before.")] = None,
    by: By = None,
    reason: Annotated[str | None, typer.Option(help="Why, for the ledger.")] = None,
) -> None:
    """Point production to the version before the present one, or to another version."""
    from ml.promotion.ledger import current_user
    from ml.promotion.rollback import roll_back

    with open_warehouse() as (settings, engine), spinner("Going back"):
        done = roll_back(settings, engine, open_registry(settings), by or current_user(), to, reason=reason)
    withdrawn = f"; version {done.withdrawn} is withdrawn" if done.withdrawn else ""
    if done.new:
        console.print(f"Production is version {done.target} again{withdrawn}.")
    else:
        console.print(
            f"An interrupted rollback had taken effect: production is version {done.target} again{withdrawn}. Its "
            "record is complete now; run the command again to go back further."
        )


def list_versions(
    as_json: Annotated[bool, typer.Option("--json", help="With all tags, as JSON.")] = False,
) -> None:
    """List the registered versions, the newest first, and report if production was moved by hand."""
    registry = open_registry()
    approval = _approval_reader()
    if as_json:
        versions = [{**asdict(version), "approved": approval(version)} for version in registry.versions()]
        typer.echo(json.dumps({"versions": versions, "note": _manual_move(registry)}, indent=1))
        return
    table = Table("version", "aliases", "algorithm", "data", "data version", "gate", "rule", "approved", "reason")
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
            approval(version),
            tags.get("gate.reason", ""),
        )
    print_table(table)
    if note := _manual_move(registry):
        console.print(note, style="bold yellow")


def rotate_signing_key(
    retire: Annotated[
        bool, typer.Option("--retire-former", help="End the validity of the former keys, when all is signed again.")
    ] = False,
) -> None:
    """Make a new key pair and sign with it what is approved; the former key stays valid until it is retired."""
    from ml.core.signing.keys import retire_former_keys, rotate
    from ml.promotion.ledger import current_user
    from ml.promotion.rotation import pending, sign_again

    with open_warehouse() as (settings, engine):
        registry = open_registry(settings)
        waiting = pending(settings, engine, registry)
        if retire:
            if waiting:
                raise SettingsError(
                    f"The approval of version {waiting[0]} needs the former key: run `python -m ml rotate-signing-key`."
                )
            with _writable_keys("--retire"):
                removed = retire_former_keys(settings.model_public_keys_file)
            console.print(f"Public keys that are no longer valid: {', '.join(removed) or 'none'}.")
            return
        if not waiting:  # else a rotation was begun, here or by Compose's container of the secrets
            with _writable_keys(""):
                rotate(settings.model_signing_key_file, settings.model_public_keys_file)
        with spinner("Signing"):
            done = sign_again(settings, engine, registry, current_user())
    console.print(f"Key {done.key_id} signs. Signed again: version {', '.join(done.signed) or 'none'}.")


def adopt() -> None:
    """Sign the production version of an installation that is older than signed approvals; done by every start."""
    from ml.promotion.ledger import Ledger, current_user
    from ml.promotion.production_alias import adopt as sign_production
    from ml.promotion.production_alias import is_adoption_due

    with open_warehouse() as (settings, engine):
        if not is_adoption_due(Ledger(engine)):
            return
        sign_production(settings, engine, open_registry(settings), current_user())
        due = is_adoption_due(Ledger(engine))
    if due:
        console.print(
            "The production version is not signed, because it is not the one that the ledger decided on last, or its "
            "files are not sound: run `python -m ml promote N`."
        )
    else:
        console.print("The production version is signed; see `python -m ml ledger`.")


def ledger(
    limit: Annotated[int | None, typer.Option(help="Only so many, the newest.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With all metrics, as JSON.")] = False,
) -> None:
    """Print decisions about production, changes of the policy and deleted versions, the newest first."""
    from ml.promotion.ledger import Ledger
    from ml.promotion.policies import as_ledger_entry, policy_changes
    from ml.retention.deletions import ledger_entries

    with open_warehouse() as (_, engine):
        entries = [entry.to_json() for entry in Ledger(engine).entries(limit)]
        entries += map(as_ledger_entry, policy_changes(engine, limit))
        entries += ledger_entries(engine, limit)
    entries = sorted(entries, key=lambda entry: datetime.fromisoformat(entry["decided_at"]), reverse=True)[:limit]
    if as_json:
        typer.echo(json.dumps(entries, indent=1))
        return
    table = Table("decided at (UTC)", "action", "version", "production before", "by", "rule", "reason")
    for entry in entries:
        table.add_row(
            f"{datetime.fromisoformat(entry['decided_at']):%Y-%m-%d %H:%M:%S}",
            str(entry["action"]) + ("" if entry["completed_at"] else ", interrupted"),
            entry["version"] or "none",
            entry["incumbent"] or "none",
            entry["actor"],
            entry["rule"],
            entry["reason"],
        )
    print_table(table)


def reproduce(version: Annotated[str, typer.Argument(help="Number of the version.")]) -> None:
    """Retrain a version from its logged inputs and compare the predictions for the test patients."""
    from ml.training.reproduce import reproduce as run

    with open_warehouse() as (settings, engine), spinner("Training again"):
        result = run(settings, engine, open_registry(settings), version)
    console.print(
        f"Version {version} is reproduced: over {result.encounters:,} test encounters its answers differ by "
        f"{result.difference:.1e} at most.",
    )


def run_gate(
    settings: MlSettings, engine: "sa.Engine", registry: "Registry", version: str | None, by: str | None = None
) -> None:
    """Run the gate on a version, by default the challenger, and print the decision."""
    from ml.promotion.gate import run_gate as run

    outcome = run(settings, engine, registry, version, by)
    verdict = "promoted to production" if outcome.decision.promote else "not promoted"
    repeated = "" if outcome.new else " (decided before)"
    if outcome.note:
        console.print(outcome.note)
    console.print(f"Version {outcome.version} {verdict}{repeated}: {outcome.decision.reason.rstrip('.')}.")


@contextmanager
def _writable_keys(option: str) -> Iterator[None]:
    """In Compose only the container of the secrets can write the key files."""
    try:
        yield
    except OSError as error:
        command = f"docker compose run --rm secrets python -m infra.secrets.rotate {option}".rstrip()
        raise SettingsError(
            f"The key files cannot be written here ({error.strerror}): run `{command}`"
            + ("." if option else ", then this command again.")
        ) from error


def _approval_reader() -> Callable[["ModelVersion"], str]:
    """What to print about the approval of a version: by whom, when, and the key."""
    from ml.core.errors import UnapprovedError
    from ml.core.names import MODEL_NAME
    from ml.core.settings import ApprovalSettings
    from ml.core.signing.approval import TAG, verify_version
    from ml.core.signing.keys import read_public_keys

    try:
        keys = read_public_keys(ApprovalSettings.load().model_public_keys_file)
    except SettingsError as error:  # the list of versions is useful without it
        errors.print(f"Approvals are not verified: {error}", highlight=False)
        return lambda _: "not verified"

    def read(version: "ModelVersion") -> str:
        envelope = version.tags.get(TAG)
        try:
            found = verify_version(envelope, keys, MODEL_NAME, version.number)
        except UnapprovedError:
            return "no" if envelope is None else "not valid"
        return f"{found.approval.approved_time:%Y-%m-%d %H:%M} by {found.approval.actor}, key {found.key_id}"

    return read


def _manual_move(registry: "Registry") -> str | None:
    from ml.promotion.ledger import Ledger, current_user
    from ml.promotion.production_alias import manual_move, record_manual_move

    try:
        with open_warehouse() as (_, engine):
            record_manual_move(registry, Ledger(engine), current_user())
            return manual_move(Ledger(engine))
    except (SettingsError, WarehouseError) as error:  # the list of versions is useful without the ledger
        errors.print(f"The ledger cannot be read, so a move by hand would not be seen: {error}")
        return None
