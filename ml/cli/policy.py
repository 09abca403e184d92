"""``policy``, ``policy set`` and ``policy withdraw``."""

import json
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.table import Table

from ml.cli.common import By, console, open_warehouse, print_table
from ml.core.policies.policy import Policy, PolicyChange

app = typer.Typer(help="Show or change the policy: the risk from which encounters are flagged.", no_args_is_help=True)

Reason = Annotated[str, typer.Option(help="Why, for the ledger.")]


@app.command()
def show(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    limit: Annotated[int | None, typer.Option(help="Only so many changes, the newest.", min=1)] = None,
) -> None:
    """Print the policy in force and its changes, the newest first."""
    from ml.promotion.policies import policy_changes

    with open_warehouse() as (_, engine):
        changes = policy_changes(engine, limit)
    if as_json:
        typer.echo(json.dumps([change.model_dump(mode="json") for change in changes], indent=1))
        return
    policy = changes[0].policy if changes else None
    console.print(_sentence(policy), highlight=False, soft_wrap=True)
    table = Table("changed at (UTC)", "policy", "threshold", "by", "model version", "reason")
    for change in changes:
        name, threshold = (change.policy.name, str(change.policy.threshold)) if change.policy else ("none", "")
        moment = f"{change.changed_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(moment, name, threshold, change.actor, change.model_version or "", change.reason)
    if changes:
        print_table(table)


@app.command(name="set")
def set_policy(
    name: Annotated[str, typer.Argument(help="Name of the policy.")],
    threshold: Annotated[float, typer.Argument(help="Risk from which encounters are flagged, such as 0.2.")],
    reason: Reason,
    by: By = None,
    version: Annotated[str | None, typer.Option(help="Version on whose figures the threshold was chosen.")] = None,
) -> None:
    """Put a policy in force."""
    _change({"policy": {"name": name, "threshold": threshold}, "reason": reason, "model_version": version}, by)


@app.command()
def withdraw(reason: Reason, by: By = None) -> None:
    """End the policy in force: nobody is flagged."""
    _change({"policy": None, "reason": reason}, by)


def _change(values: dict[str, object], by: str | None) -> None:
    from ml.promotion.ledger import current_user
    from ml.promotion.policies import change_policy

    try:
        change = PolicyChange.model_validate({**values, "actor": by or current_user()})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise typer.BadParameter(f"{fault['loc'][-1]}: {fault['msg'][0].lower()}{fault['msg'][1:]}") from None
    with open_warehouse() as (_, engine):
        change_policy(engine, change)
    console.print(f"{_sentence(change.policy)} The service follows within seconds.", highlight=False, soft_wrap=True)


def _sentence(policy: Policy | None) -> str:
    if policy is None:
        return "No policy is in force: nobody is flagged."
    return f"The policy '{policy.name}' is in force: encounters with a risk of {policy.threshold} or more are flagged."
