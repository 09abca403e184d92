"""Figures of a threshold computed without the table: encounter by encounter, patients drawn one by one."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

SEED = 296
"""Of the training's bootstrap."""
MIN_CELL = 10
GROUPS = ("race", "gender", "age")


def replicates(patients: np.ndarray, samples: int) -> Iterator[np.ndarray]:
    """Numbers of the rows of each replicate: first those of the data, then of patients drawn with replacement."""
    generator = np.random.default_rng(SEED)
    rows_of = {patient: rows.to_numpy() for patient, rows in pd.Series(range(len(patients))).groupby(patients)}
    names = sorted(rows_of)
    yield np.arange(len(patients))
    for _ in range(samples):
        drawn = generator.integers(0, len(names), len(names))
        yield np.concatenate([rows_of[names[place]] for place in drawn])


def figures(
    table: pd.DataFrame,
    labels: np.ndarray,
    risks: np.ndarray,
    reference: np.ndarray,
    patients: np.ndarray,
    threshold: float,
    samples: int,
) -> Mapping[str, tuple[float, float, float]]:
    """Value and ends of the 95 % interval by name of the figure; subgroups as ``race=Asian sensitivity``."""
    frame = table[list(GROUPS)].astype(object).fillna("?").reset_index(drop=True)
    frame = frame.assign(
        label=labels.astype(bool),
        flag=risks.astype(np.float32) >= np.float32(threshold),
        lace=reference.astype(np.float32) >= np.float32(threshold),
    )
    drawn = [_of(frame.iloc[rows], threshold) for rows in replicates(patients, samples)]
    drawn = [one | _ratios(one, drawn[0]) for one in drawn]
    found = {}
    for name, value in drawn[0].items():
        others = np.array([one.get(name, np.nan) for one in drawn[1:]])
        others = others[np.isfinite(others)]
        low, high = np.quantile(others, [0.025, 0.975]) if len(others) else (np.nan, np.nan)
        found[name] = (value, float(low), float(high))
    return found


def _of(frame: pd.DataFrame, threshold: float) -> dict[str, float]:
    odds, prevalence = threshold / (1 - threshold), frame["label"].mean()
    found = _rates(frame, "")
    for way in ("flag", "lace"):
        right, wrong = (frame[way] & frame["label"]).mean(), (frame[way] & ~frame["label"]).mean()
        found[f"net benefit {way}"] = right - odds * wrong
    found["net benefit all"] = prevalence - odds * (1 - prevalence)
    for column in GROUPS:
        for value, part in frame.groupby(column):
            found |= _rates(part, f"{column}={value} ")
    return found


def _rates(part: pd.DataFrame, name: str) -> dict[str, float]:
    flag, label = part["flag"].to_numpy(), part["label"].to_numpy()
    caught, false = float((flag & label).sum()), float((flag & ~label).sum())
    missed, unflagged = float((~flag & label).sum()), float((~flag & ~label).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        values = {
            "share flagged": np.float64(caught + false) / len(part),
            "sensitivity": np.float64(caught) / (caught + missed),
            "false positive rate": np.float64(false) / (false + unflagged),
            "ppv": np.float64(caught) / (caught + false),
            "npv": np.float64(unflagged) / (unflagged + missed),
            "number needed": np.float64(caught + false) / caught,
            **dict(zip(("unflagged", "missed", "false", "caught"), (unflagged, missed, false, caught), strict=True)),
        }
    return {f"{name}{figure}": float(value) for figure, value in values.items()}


def _ratios(drawn: Mapping[str, float], first: Mapping[str, float]) -> dict[str, float]:
    found = {}
    for rate, cells in (("sensitivity", ("caught", "missed")), ("false positive rate", ("false", "unflagged"))):
        for column in GROUPS:
            names = {name.partition(" ")[0] for name in first if name.startswith(f"{column}=")}
            names = {name for name in names if all(first[f"{name} {cell}"] >= MIN_CELL for cell in cells)}
            rates = [drawn.get(f"{name} {rate}", np.nan) for name in names]
            if len(rates) > 1:
                found[f"{column} ratio of {rate}"] = min(rates) / max(rates)
    return found
