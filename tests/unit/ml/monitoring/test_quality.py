"""Figures of mature predictions, without a database."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.evaluation.metrics import ALL_METRICS
from ml.monitoring.matured_predictions import Mature, clusters
from ml.monitoring.quality import FEWEST, REALISED, Figure, estimated, realised

SAMPLES = 50


def drawn(count: int, told: float = 1.0, seed: int = 1) -> Mature:
    """Calibrated predictions of as many patients, of whom a share is told."""
    generator = np.random.default_rng(seed)
    risks = generator.beta(2, 14, count)
    known = generator.random(count) < told
    return Mature(
        "7",
        risks,
        known,
        ((generator.random(count) < risks) & known).astype(np.int64),
        np.arange(count),
        {"gender": generator.choice(np.array(["Female", "Male", None], dtype=object), count, p=[0.6, 0.3, 0.1])},
    )


def by_metric(figures: list[Figure], subgroup: str = "all") -> dict[str, Figure]:
    return {figure.metric: figure for figure in figures if figure.subgroup == subgroup}


def test_figures_are_those_of_the_metrics_on_what_is_known() -> None:
    part = drawn(2_000, told=0.7)
    found = by_metric(list(realised(part, SAMPLES)))
    labels, risks = part.labels[part.known], part.probabilities[part.known]

    assert list(found) == list(REALISED)
    for name, figure in found.items():
        assert figure.value == pytest.approx(ALL_METRICS[name](labels, risks, None))
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low < figure.high
        assert (figure.model_version, figure.estimated) == ("7", False)
        assert (figure.records, figure.positives) == (part.known.sum(), labels.sum())
        assert figure.coverage == pytest.approx(part.known.mean())


def test_subgroups_are_named_by_their_value_and_the_unknown_make_none() -> None:
    part = drawn(2_000)
    figures = list(realised(part, SAMPLES))

    assert list(dict.fromkeys(figure.subgroup for figure in figures)) == ["all", "gender=Female", "gender=Male"]
    assert by_metric(figures, "gender=Male")["auroc"].records == (part.groups["gender"] == "Male").sum()


@pytest.mark.parametrize(("positives", "negatives"), [(FEWEST - 1, 500), (500, FEWEST - 1), (0, 0)])
def test_of_too_few_there_is_no_figure_but_their_number(positives: int, negatives: int) -> None:
    labels = np.repeat([1, 0], [positives, negatives])
    count = len(labels)
    part = Mature("7", np.linspace(0.1, 0.9, count), np.ones(count, bool), labels, np.arange(count), {})

    for figure in realised(part, SAMPLES):
        assert (figure.value, figure.low, figure.high) == (None, None, None)
        assert (figure.records, figure.positives) == (count, positives)


def test_with_just_enough_there_is_a_figure() -> None:
    labels = np.repeat([1, 0], [FEWEST, FEWEST])
    part = Mature("7", np.linspace(0.9, 0.1, len(labels)), np.ones(len(labels), bool), labels, labels.cumsum(), {})

    assert by_metric(list(realised(part, SAMPLES)))["auroc"].value == 1


def test_what_a_patient_does_again_and_again_widens_the_interval() -> None:
    part = drawn(500)
    times = np.tile(np.arange(500), 6)
    repeated = part.part(times)  # each patient six times, known by number
    strangers = Mature(repeated.version, repeated.probabilities, repeated.known, repeated.labels, np.arange(3_000), {})

    def width(of: Mature) -> float:
        figure = by_metric(list(realised(of, 200)))["auroc"]
        assert figure.low is not None
        assert figure.high is not None
        return figure.high - figure.low

    assert width(repeated) > 1.8 * width(strangers)


def test_an_estimate_says_what_it_is_and_knows_no_outcome() -> None:
    risks = drawn(2_000).probabilities
    figures = list(estimated("7", risks))

    assert [figure.metric for figure in figures] == ["auroc", "average_precision", "brier"]
    for figure in figures:
        assert figure.estimated
        assert figure.value is not None
        assert (figure.low, figure.high, figure.positives, figure.coverage) == (None, None, None, 0)
        assert figure.records == 2_000


def test_a_handful_of_predictions_is_no_ground_for_an_estimate() -> None:
    assert {figure.value for figure in estimated("7", np.full(100, 0.2))} == {None}


@given(st.lists(st.none() | st.text(max_size=2), max_size=30))
def test_records_share_a_cluster_only_where_they_name_the_same_patient(patients: list[str | None]) -> None:
    found = clusters(patients)

    assert found.shape == (len(patients),)
    for a, one in enumerate(patients):
        for b, other in enumerate(patients):
            assert (found[a] == found[b]) == (a == b or (one is not None and one == other))
