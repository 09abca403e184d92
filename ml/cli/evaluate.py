"""``evaluate``: one version on the test patients, or every candidate on repeated splits."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from ml.cli.common import check_choice, console, open_registry, open_warehouse, print_table, progress_bars, spinner

if TYPE_CHECKING:
    from ml.data.cohort import Cohort

REPORTS: Final = Path("reports")
_MISSING_FIELDS: Final = {
    "auroc": "AUROC",
    "ece": "ECE",
    "ece_floor": "by chance",
    "mean_prediction": "predicted",
    "observed": "observed",
}
_CANDIDATES: Final = {
    "auroc": "AUROC",
    "average_precision": "AP",
    "brier": "Brier",
    "scaled_brier": "scaled",
    "calibration_intercept": "intercept",
    "calibration_slope": "slope",
    "ece": "ECE",
    "ece_floor": "by chance",
}
_CAPACITY: Final = {
    f"{metric}_top_{share}": f"{label} {share} %"
    for share in (5, 10, 20)
    for metric, label in (("sensitivity", "sens."), ("ppv", "PPV"))
}


def evaluate(
    version: Annotated[str | None, typer.Argument(help="Number of a registered version.")] = None,
    protocol: Annotated[bool, typer.Option("--protocol", help="Every candidate, over repeated splits.")] = False,
    seeds: Annotated[str, typer.Option(help="Seeds of the splits, such as 1,2,3 or 0-19.")] = "0-19",
    families: Annotated[str | None, typer.Option(help="Families, with commas between; default: all.")] = None,
    data: Annotated[Path | None, typer.Option(help="The UCI file; default: the diabetes database.")] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file for the results; default: a new one in reports/.")] = None,
    control: Annotated[bool, typer.Option("--control", help="Also fit to shuffled labels.")] = False,
    jobs: Annotated[int, typer.Option(help="Cores for fitting.", envvar="TRAIN_JOBS")] = 2,
) -> None:
    """Evaluate a registered version on the present test patients, or (--protocol) every candidate on many splits."""
    if protocol == (version is not None):
        raise typer.BadParameter("give the number of a version, or --protocol")
    if version is not None:
        _evaluate_version(version)
    else:
        _run_protocol(read_seeds(seeds), families, data, out, control, jobs)


def _evaluate_version(version: str) -> None:
    from ml.evaluation.registered_version import evaluate_version

    with open_warehouse() as (settings, engine), spinner("Evaluating"):
        metrics = evaluate_version(settings, engine, open_registry(settings), version)
    table = Table("metric", "value", "95 % interval", title=f"Version {version} on the test patients")
    for name, interval in metrics.items():
        table.add_row(name, f"{interval['value']:.4f}", f"{interval['low']:.4f} to {interval['high']:.4f}")
    print_table(table)


def _run_protocol(
    seeds: tuple[int, ...], families: str | None, data: Path | None, out: Path | None, control: bool, jobs: int
) -> None:
    from ml.evaluation.repeated_splits import Plan, run
    from ml.training.models import FAMILIES

    chosen = families.split(",") if families else list(FAMILIES)
    for family in chosen:
        check_choice(family, FAMILIES, "--families")
    target = out or REPORTS / f"protocol-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    plan = Plan(seeds, {family: {} for family in chosen}, jobs, control)
    with spinner("Reading the cohort"):
        cohort = _load_cohort(data)
    with progress_bars() as progress:
        task = progress.add_task("", total=plan.steps)
        result = run(cohort, plan, lambda step: progress.update(task, description=step, advance=1))
    target.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
    _print(result)
    console.print(f"Written to {target}.", soft_wrap=True)


def _load_cohort(data: Path | None) -> "Cohort":
    from ml.data.cohort import cohort_of_file, cohort_of_warehouse

    if data is not None:
        return cohort_of_file(data)
    with open_warehouse() as (_, engine):
        return cohort_of_warehouse(engine)


def read_seeds(text: str) -> tuple[int, ...]:
    """Parse ``0-2,7`` as (0, 1, 2, 7)."""
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdecimal() or not (last or first).isdecimal() or int(last or first) < int(first):
            raise typer.BadParameter(f"{text!r} is not a list of seeds such as 1,2,3 or 0-19", param_hint="--seeds")
        seeds += range(int(first), int(last or first) + 1)
    return tuple(dict.fromkeys(seeds))


def _print(result: Mapping[str, Any]) -> None:
    seeds, candidates = result["seeds"], result["candidates"]
    over = f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} seeds, mean ± standard error"
    print_table(_table(f"Candidates on unseen patients, {over}", candidates, _CANDIDATES))
    print_table(_table("The 5, 10 and 20 % of encounters with the highest risk", candidates, _CAPACITY, digits=3))
    print_table(_table("With fields hidden", result["missing_fields"], _MISSING_FIELDS))
    if result["control"]:
        print_table(_table("Nothing to learn", result["control"], _MISSING_FIELDS))
    goals = Table("goal", "history", "metric", "wanted", "found", "met", title="Goals")
    for goal in result["goals"]:
        met = Text("yes", style="green") if goal["met"] else Text("no", style="red")
        value = _format(goal["mean"], goal["se"], 4)
        goals.add_row(goal["who"], _history(goal), goal["metric"], goal["wanted"], value, met)
    print_table(goals)


def _table(title: str, summaries: Sequence[Mapping[str, Any]], columns: Mapping[str, str], digits: int = 4) -> Table:
    table = Table("", "history", *columns.values(), title=title)
    for row in summaries:
        values = (_format(row["mean"][name], row["se"][name], digits) for name in columns)
        table.add_row(row["name"], _history(row), *values)
    return table


def _history(row: Mapping[str, Any]) -> str:
    return "known" if row["history"] else "–"


def _format(mean: float | None, error: float | None, digits: int) -> str:
    if mean is None:
        return "–"
    return f"{mean:.{digits}f}" + ("" if error is None else f" ±{error:.{digits}f}")
