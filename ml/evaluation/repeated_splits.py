"""Evaluation over repeated patient-disjoint splits: model families beside baselines, with fields hidden, and a control.

For each seed a fifth of the patients is the test set; everything is fitted on the others. Families are evaluated with
and without the history of the patients. A single split can lie more than a standard deviation off, so results are means
over seeds.
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
from ml.evaluation.acceptance import check_limits
from ml.evaluation.baselines import BASELINES, Predictor
from ml.evaluation.metrics import ece_floor, json_values, point_metrics
from ml.features.masking import keep_only, mask_fields, mask_groups
from ml.features.tables import patients, target, with_history, without_history
from ml.schema import HISTORY, TARGET, Group
from ml.training.code_version import code_version
from ml.training.models import FAMILIES, GRADIENT_BOOSTING, RiskModel, fit

log = logging.getLogger(__name__)

Row = dict[str, Any]
"""Metrics of one candidate on one split, with the keys ``candidate`` or ``condition``, ``history`` and ``seed``."""

TEST_SHARE: Final = 0.2

CONDITIONS: Final[Mapping[str, Callable[[pd.DataFrame, int], pd.DataFrame]]] = {
    "race, gender and age only": lambda table, _: keep_only(table, ("race", "gender", "age")),
    "25 % of fields hidden": lambda table, seed: mask_fields(table, 0.25, seed),
    "50 % of fields hidden": lambda table, seed: mask_fields(table, 0.50, seed),
    "75 % of fields hidden": lambda table, seed: mask_fields(table, 0.75, seed),
    "no diagnoses": lambda table, _: mask_groups(table, (Group.DIAGNOSES,)),
    "no medications": lambda table, _: mask_groups(table, (Group.MEDICATIONS,)),
    "no utilisation": lambda table, _: mask_groups(table, (Group.UTILISATION,)),
}
"""Incomplete test records: name to a function of table and seed that hides fields."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Seeds of the splits, families with parameters over their defaults, cores, and whether to run the control."""

    seeds: tuple[int, ...]
    families: Mapping[str, Mapping[str, Any]]
    jobs: int
    control: bool = False

    @property
    def steps(self) -> int:
        """Number of calls of ``on_step`` in :func:`run`."""
        return len(self.seeds) * (len(self.families) + len(BASELINES) + self.control)

    @property
    def served(self) -> str:
        """The family that stands for the served model: it is evaluated with fields hidden, and by its own limits."""
        return GRADIENT_BOOSTING if GRADIENT_BOOSTING in self.families else next(iter(self.families))


def run(cohort: Cohort, plan: Plan, on_step: Callable[[str], None]) -> dict[str, Any]:
    """Fit and evaluate every candidate on every split; calls ``on_step`` with a description before each step.

    Returns:
        Plain values for JSON: a description of the run; for ``candidates``, ``missing_fields`` and ``control`` the
        metrics per seed with ``mean``, ``sd`` and ``se``; and ``goals``, the acceptance limits.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    table = with_history(cohort.table)
    splits, candidates, incomplete, control = (list[Row]() for _ in range(4))
    for seed in plan.seeds:
        train, test = split_by_patient(table, seed)
        splits.append({"seed": seed, **_description("train", train), **_description("test", test)})
        without = {False: without_history(test)}
        for family, parameters in plan.families.items():
            on_step(f"seed {seed}: {FAMILIES[family].name}")
            before = time.monotonic()
            model = fit(family, parameters, train, plan.jobs)
            label = {"candidate": family, "name": FAMILIES[family].name, "seconds_fit": time.monotonic() - before}
            candidates += _rows(label, model.predict, {True: test, **without}, seed)
            if family == plan.served:
                incomplete += _incomplete_rows(model, test, seed)
        for name, baseline in BASELINES.items():
            on_step(f"seed {seed}: {baseline.name}")
            before = time.monotonic()
            predict = baseline.fit(train)
            label = {"candidate": name, "name": baseline.name, "seconds_fit": time.monotonic() - before}
            candidates += _rows(label, predict, without, seed)
        if plan.control:
            on_step(f"seed {seed}: shuffled labels")
            control += _control_rows(cohort.table, plan, seed)
    sections = {
        "candidates": summarise(candidates, "candidate"),
        "missing_fields": summarise(incomplete, "condition"),
        "control": summarise(control, "candidate"),
    }
    description = {
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
    results: dict[str, Any] = json_values({**description, **sections, "goals": check_limits(plan.served, sections)})
    return results


def split_by_patient(table: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and test encounters; all encounters of a patient are in one of them."""
    splitter = GroupShuffleSplit(n_splits=1, test_size=TEST_SHARE, random_state=seed)
    train, test = next(splitter.split(table, groups=patients(table)))
    return table.iloc[train], table.iloc[test]


def summarise(rows: list[Row], key: str) -> list[Row]:
    """For each ``key`` and history: the rows, and mean, standard deviation and error of the mean of their metrics."""
    groups: dict[tuple[str, bool], list[Row]] = {}
    for row in rows:
        groups.setdefault((row[key], row["history"]), []).append(row)
    summaries = []
    for (name, history), members in groups.items():
        per_seed = [{n: v for n, v in row.items() if n not in (key, "name", "history")} for row in members]
        metrics = pd.DataFrame(per_seed).drop(columns="seed")
        label = {key: name, "name": members[0].get("name", name), "history": history}
        spread = {"mean": metrics.mean(), "sd": metrics.std(ddof=1), "se": metrics.sem(ddof=1)}
        summaries.append({**label, **{name: row.to_dict() for name, row in spread.items()}, "per_seed": per_seed})
    return summaries


def _rows(label: Row, predict: Predictor, tables: Mapping[bool, pd.DataFrame], seed: int) -> Iterator[Row]:
    """Yield one row for each table; the key of a table is whether the history is known."""
    for history, table in tables.items():
        before = time.monotonic()
        labels, risks = target(table), predict(table)
        row = {**label, "history": history, "seed": seed, "seconds_predict": time.monotonic() - before}
        row |= point_metrics(labels, risks)
        row |= {"ece_floor": ece_floor(risks, seed), "mean_prediction": risks.mean(), "observed": labels.mean()}
        name = f"{row.get('name', row.get('condition'))}{' with history' if history else ''}"
        metrics = (row[metric] for metric in ("auroc", "average_precision", "ece"))
        log.info("Seed %s: %s: AUROC %.4f, AP %.4f, ECE %.4f", seed, name, *metrics)
        yield row


def _incomplete_rows(model: RiskModel, test: pd.DataFrame, seed: int) -> Iterator[Row]:
    known_history = {column.name: test[column.name] for column in HISTORY}
    for condition, hide in CONDITIONS.items():
        partial = without_history(hide(test, seed))
        tables = {True: partial.assign(**known_history), False: partial}
        yield from _rows({"condition": condition}, model.predict, tables, seed)


def _control_rows(table: pd.DataFrame, plan: Plan, seed: int) -> Iterator[Row]:
    """The served family on shuffled outcomes: an AUROC other than 0.5 shows that an outcome leaks into the features.

    Outcomes are shuffled before history is computed, so a leak through the history shows as well.
    """
    shuffled = np.random.default_rng(seed).permutation(table[TARGET].to_numpy())
    train, test = split_by_patient(with_history(table.assign(**{TARGET: shuffled})), seed)
    model = fit(plan.served, plan.families[plan.served], train, plan.jobs)
    label = {"candidate": "shuffled labels", "name": "shuffled labels"}
    yield from _rows(label, model.predict, {True: test}, seed)


def _description(part: str, table: pd.DataFrame) -> Row:
    return {
        f"{part}_rows": len(table),
        f"{part}_patients": len(np.unique(patients(table))),
        f"{part}_prevalence": target(table).mean(),
    }
