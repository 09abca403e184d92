"""The protocol: every candidate on patients it has never seen, over repeated splits of the cohort.

For each seed, a fifth of the patients tests and the others train; whatever is chosen or fitted sees the others only.
A candidate is asked with the history of each patient, and again as if nobody had been seen before. One seed can sit
more than a standard deviation high, so figures are means over seeds, beside the baselines on the same patients.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit

from ml.data.cohort import Cohort
from ml.evaluation.acceptance import judge_goals
from ml.evaluation.baselines import BASELINES
from ml.evaluation.metrics import Labels, Values, ece_floor, point_metrics
from ml.features.masking import hide_fields, hide_groups, keep_only
from ml.features.tables import patients, target, with_history, without_history
from ml.schema import HISTORY, TARGET, Group
from ml.training.code_version import code_version
from ml.training.models import FAMILIES, GRADIENT_BOOSTING, fit

log = logging.getLogger(__name__)

Row = dict[str, Any]
"""Figures of one candidate on one split; ``candidate``, ``history`` and ``seed`` say which."""

TEST_SHARE: Final = 0.2
PREFERRED: Final = GRADIENT_BOOSTING
"""The family that is asked with fields hidden, and judged by the goals of the served model, where it takes part."""

CONDITIONS: Final[Mapping[str, Callable[[pd.DataFrame, int], pd.DataFrame]]] = {
    "race, gender and age only": lambda table, _: keep_only(table, ("race", "gender", "age")),
    "25 % of fields hidden": lambda table, seed: hide_fields(table, 0.25, seed),
    "50 % of fields hidden": lambda table, seed: hide_fields(table, 0.50, seed),
    "75 % of fields hidden": lambda table, seed: hide_fields(table, 0.75, seed),
    "no diagnoses": lambda table, _: hide_groups(table, (Group.DIAGNOSES,)),
    "no medications": lambda table, _: hide_groups(table, (Group.MEDICATIONS,)),
    "no utilisation": lambda table, _: hide_groups(table, (Group.UTILISATION,)),
}
"""What a caller may not know: name to function of (table, seed)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: seeds of the splits, families with their settings over the defaults, cores, and the control."""

    seeds: tuple[int, ...]
    families: Mapping[str, Mapping[str, Any]]
    jobs: int
    control: bool = False

    @property
    def steps(self) -> int:
        """How often :func:`run` says what it does."""
        return len(self.seeds) * (len(self.families) + len(BASELINES) + self.control)

    @property
    def served(self) -> str:
        """The family that stands for the served model."""
        return PREFERRED if PREFERRED in self.families else next(iter(self.families))


def run(cohort: Cohort, plan: Plan, on_step: Callable[[str], None]) -> dict[str, Any]:
    """Fit and judge every candidate on every split.

    Args:
        cohort: all encounters, without history.
        plan: what to run.
        on_step: is told before each step what comes, ``plan.steps`` times.

    Returns:
        Everything that was found, as plain values for JSON: ``splits``, and for ``candidates``, ``missing_fields`` and
        ``control`` the figures per seed with ``mean`` and ``sd``; ``goals`` and whether they were met.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    table = with_history(cohort.table)
    splits: list[Row] = []
    candidates: list[Row] = []
    hidden: list[Row] = []
    control: list[Row] = []
    for seed in plan.seeds:
        train, test = split_by_patient(table, seed)
        splits.append(_about(seed, train, test))
        for row in _judged_families(plan, seed, train, test, on_step):
            (hidden if "condition" in row else candidates).append(row)
        candidates += _judged_baselines(seed, train, test, on_step)
        if plan.control:
            on_step(f"seed {seed}: shuffled labels")
            control.append(_control(cohort.table, plan, seed))
    found = {
        "candidates": summarised(candidates, "candidate"),
        "missing_fields": summarised(hidden, "condition"),
        "control": summarised(control, "candidate"),
    }
    about = {
        "started_at": started.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - clock, 1),
        "cores": os.cpu_count(),
        "data": {
            "source": cohort.source,
            "version": cohort.version,
            "rows": len(table),
            "patients": cohort.patients,
            "prevalence": float(target(table).mean()),
        },
        "code_version": code_version(),
        "test_share": TEST_SHARE,
        "families": {family: {**FAMILIES[family].defaults, **given} for family, given in plan.families.items()},
        "served": plan.served,
        "seeds": list(plan.seeds),
        "splits": splits,
    }
    return {**about, **found, "goals": judge_goals(plan.served, found)}


def split_by_patient(table: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and test encounters; a patient is wholly in one of them."""
    chooser = GroupShuffleSplit(n_splits=1, test_size=TEST_SHARE, random_state=seed)
    train, test = next(chooser.split(table, groups=patients(table)))
    return table.iloc[train], table.iloc[test]


def judged(labels: Labels, risks: Values, seed: int) -> dict[str, float]:
    """All figures of :func:`ml.evaluation.metrics.point_metrics`, the chance floor of ECE, and mean risk beside
    observed share."""
    return {
        **point_metrics(labels, risks),
        "ece_floor": ece_floor(risks, seed),
        "mean_prediction": float(risks.mean()),
        "observed": float(labels.mean()),
    }


def summarised(rows: list[Row], key: str) -> list[Row]:
    """Rows of the same ``key`` and history together: per seed, mean and sample standard deviation of every figure."""
    groups: dict[tuple[str, bool], list[Row]] = {}
    for row in rows:
        groups.setdefault((row[key], row["history"]), []).append(row)
    return [_summary(key, name, history, members) for (name, history), members in groups.items()]


def _summary(key: str, name: str, history: bool, members: list[Row]) -> Row:
    kept = (key, "name", "history")
    per_seed = [{what: value for what, value in row.items() if what not in kept} for row in members]
    figures = pd.DataFrame(per_seed).drop(columns="seed")
    return {
        key: name,
        "name": members[0].get("name", name),
        "history": history,
        "mean": _plain(figures.mean()),
        "sd": _plain(figures.std(ddof=1)),
        "per_seed": [{what: _finite(value) for what, value in row.items()} for row in per_seed],
    }


def _judged_families(
    plan: Plan, seed: int, train: pd.DataFrame, test: pd.DataFrame, on_step: Callable[[str], None]
) -> Iterator[Row]:
    """Rows of each family with and without history, and of the served one with fields hidden."""
    labels = target(test)
    for family, parameters in plan.families.items():
        on_step(f"seed {seed}: {FAMILIES[family].name}")
        clock = time.monotonic()
        model = fit(family, parameters, train, plan.jobs)
        fitted = time.monotonic() - clock
        for history, asked in ((True, test), (False, without_history(test))):
            clock = time.monotonic()
            risks = model.predict(asked)
            seconds = {"seconds_fit": fitted, "seconds_predict": time.monotonic() - clock}
            who = {"candidate": family, "name": FAMILIES[family].name, "history": history, "seed": seed}
            yield _told({**who, **judged(labels, risks, seed), **seconds})
        if family == plan.served:
            yield from _with_fields_hidden(model, test, labels, seed)


def _with_fields_hidden(model: Any, test: pd.DataFrame, labels: Labels, seed: int) -> Iterator[Row]:
    known_history = {column.name: test[column.name] for column in HISTORY}
    for condition, hide in CONDITIONS.items():
        partial = without_history(hide(test, seed))
        for history, asked in ((True, partial.assign(**known_history)), (False, partial)):
            risks = model.predict(asked)
            yield {"condition": condition, "history": history, "seed": seed, **judged(labels, risks, seed)}


def _judged_baselines(
    seed: int, train: pd.DataFrame, test: pd.DataFrame, on_step: Callable[[str], None]
) -> Iterator[Row]:
    for name, baseline in BASELINES.items():
        on_step(f"seed {seed}: {baseline.name}")
        clock = time.monotonic()
        predict = baseline.fit(train)
        seconds = {"seconds_fit": time.monotonic() - clock}
        who = {"candidate": name, "name": baseline.name, "history": False, "seed": seed}
        yield _told({**who, **judged(target(test), predict(test), seed), **seconds})


def _control(table: pd.DataFrame, plan: Plan, seed: int) -> Row:
    """The served family where there is nothing to learn; an AUROC off 0.5 would mean that an outcome leaks.

    Outcomes are shuffled before history is computed, so a feature that knows its own row's outcome would show.
    """
    shuffled = np.random.default_rng(seed).permutation(table[TARGET].to_numpy())
    train, test = split_by_patient(with_history(table.assign(**{TARGET: shuffled})), seed)
    risks = fit(plan.served, plan.families[plan.served], train, plan.jobs).predict(test)
    who = {"candidate": "shuffled labels", "history": True, "seed": seed}
    return _told({**who, **judged(target(test), risks, seed)})


def _about(seed: int, train: pd.DataFrame, test: pd.DataFrame) -> Row:
    about: Row = {"seed": seed}
    for part, table in (("train", train), ("test", test)):
        about[f"{part}_rows"] = len(table)
        about[f"{part}_patients"] = len(np.unique(patients(table)))
        about[f"{part}_prevalence"] = float(target(table).mean())
    return about


def _told(row: Row) -> Row:
    which = f"{row.get('name', row['candidate'])}{' with history' if row['history'] else ''}"
    figures = (row[name] for name in ("auroc", "average_precision", "ece"))
    log.info("Seed %s: %s: AUROC %.4f, AP %.4f, ECE %.4f", row["seed"], which, *figures)
    return row


def _plain(figures: "pd.Series[Any]") -> dict[str, float | None]:
    return {str(name): _finite(value) for name, value in figures.items()}


def _finite(value: Any) -> Any:
    """A number as JSON has it: what is not finite is null."""
    return value if not isinstance(value, float) else float(value) if np.isfinite(value) else None
