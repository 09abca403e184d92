"""Realised and estimated metrics by version."""

from ml.monitoring.quality import REALISED
from ui.clients.api_models import Interval
from ui.clients.prometheus import Sample
from ui.metrics import description, label
from ui.monitoring.panels.quality import METRICS, by_version, estimates, outcomes_text, table, words


def sample(value: float, **labels: str) -> Sample:
    return Sample(labels, value)


def realised(version: str, metric: str, **bounds: float) -> list[Sample]:
    return [sample(value, model_version=version, metric=metric, bound=bound) for bound, value in bounds.items()]


def test_versions_are_ordered_newest_first_with_all_their_values() -> None:
    found = by_version(
        [*realised("9", "auroc", value=0.6, low=0.5, high=0.7), *realised("10", "auroc", value=0.7)],
        [sample(0.65, model_version="10", metric="auroc")],
        [sample(120, model_version="9")],
        [sample(0.5, model_version="9")],
    )
    assert [one.version for one in found] == ["10", "9"]
    assert (found[1].realised["auroc"].high, found[1].outcomes, found[1].coverage) == (0.7, 120, 0.5)
    assert [(one.name, one.low) for one in estimates("auroc", found)] == [
        ("Version 10, estimate", None),
        ("Version 9", 0.5),
    ]


def test_an_estimate_is_never_shown_as_a_measurement() -> None:
    found = by_version([], [sample(0.65, model_version="3", metric="auroc")], [], [])
    assert words("auroc", found).startswith("AUROC. Version 3, estimated without outcomes: 0.650.")
    columns = table(found, METRICS, {"3": {"auroc": Interval(value=0.67)}})
    row = {name: column[0] for name, column in columns.items()}
    assert (row["Realised"], row["95% interval"], row["Estimated without outcomes"]) == ("–", "–", "0.650")
    assert row["On test patients"] == "0.670"


def test_without_coverage_only_the_outcomes_are_counted() -> None:
    (one,) = by_version([], [], [sample(1, model_version="3")], [])
    assert outcomes_text(one) == "Version 3: 1 outcome is known."


def test_every_realised_metric_has_a_label_and_a_description() -> None:
    assert set(METRICS) == set(REALISED)
    assert all(label(metric) != metric and description(metric) for metric in METRICS)
