"""Labels, descriptions, order and formatting of metrics."""

from ml.evaluation.metrics import ALL_METRICS
from ui import metrics
from ui.clients.api_models import Interval
from ui.clients.mlflow import Run


def run(**values: float) -> Run:
    logged = [{"key": key, "value": value} for key, value in values.items()]
    return Run.model_validate({"info": {"run_id": "r"}, "data": {"metrics": logged}})


def test_every_metric_of_training_has_a_label_and_a_description() -> None:
    assert [name for name in ALL_METRICS if metrics.label(name) == name or not metrics.description(name)] == []


def test_metrics_of_a_run_are_those_with_an_interval() -> None:
    found = metrics.run_metrics(run(auroc=0.66, auroc_low=0.65, auroc_high=0.67, seconds=3.0))
    assert found == {"auroc": Interval(value=0.66, low=0.65, high=0.67)}


def test_a_metric_that_is_not_a_number_is_not_measured() -> None:
    found = metrics.run_metrics(run(auroc=float("nan"), auroc_low=float("nan"), auroc_high=float("nan")))
    assert metrics.format_metric(found["auroc"]) == "not measured"


def test_the_headline_comes_first() -> None:
    nothing = Interval()
    assert metrics.ordered({"ppv_top_5": nothing, "ece": nothing}, {"auroc": nothing}) == ["auroc", "ece", "ppv_top_5"]


def test_shares_at_the_top_are_ordered_by_size() -> None:
    known = dict.fromkeys(("ppv_top_10", "ppv_top_5", "ppv_top_20", "auroc"), Interval(value=0.5))
    assert metrics.ordered(known) == ["auroc", "ppv_top_5", "ppv_top_10", "ppv_top_20"]
