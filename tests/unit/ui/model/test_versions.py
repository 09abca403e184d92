"""The Model page's words and figures, without a page."""

from ml.evaluation.metrics import ALL_METRICS
from ml.promotion.evidence import Rule
from ml.promotion.production_alias import DECIDED_AT, DECISION, REASON, REPLACED, ROLLED_BACK, RULE
from ml.report.plots import PLOTS
from ui.charts import LIGHT
from ui.clients.api_models import Interval
from ui.clients.mlflow import RegisteredVersion, Run, Tag
from ui.model import metrics, verdict
from ui.model.artifacts import captions
from ui.model.artifacts.frame import framed
from ui.model.artifacts.panel import readable
from ui.model.intervals import Dot, alternative, chart
from ui.model.registry_snapshot import RegistrySnapshot
from ui.model.roll_back import before


def version(number: str, **tags: str) -> RegisteredVersion:
    given = tuple(Tag(key=f"gate.{key}", value=value) for key, value in tags.items())
    return RegisteredVersion(name="m", version=number, tags=given)


def run(**metrics: float) -> Run:
    found = [{"key": key, "value": value} for key, value in metrics.items()]
    return Run.model_validate({"info": {"run_id": "r"}, "data": {"metrics": found}})


def test_the_tags_are_those_that_the_gate_writes() -> None:
    assert (verdict.DECISION, verdict.RULE, verdict.REASON) == (DECISION, RULE, REASON)
    assert (verdict.DECIDED_AT, verdict.REPLACED, verdict.ROLLED_BACK) == (DECIDED_AT, REPLACED, ROLLED_BACK)


def test_every_rule_of_the_gate_has_its_words() -> None:
    assert verdict.rules().keys() == {str(rule) for rule in Rule}


def test_every_metric_of_training_has_a_name_and_a_meaning() -> None:
    assert [name for name in ALL_METRICS if metrics.label(name) == name or not metrics.meaning(name)] == []


def test_every_plot_of_training_has_a_title_and_a_meaning() -> None:
    assert [name for name in PLOTS if captions.title(name) == name or captions.said(name) == captions.said("?")] == []


def test_figures_of_a_run_are_those_with_an_interval() -> None:
    found = metrics.of_run(run(auroc=0.66, auroc_low=0.65, auroc_high=0.67, seconds=3.0))
    assert found == {"auroc": Interval(value=0.66, low=0.65, high=0.67)}


def test_a_figure_that_could_not_be_had_is_not_measured() -> None:
    found = metrics.of_run(run(auroc=float("nan"), auroc_low=float("nan"), auroc_high=float("nan")))
    assert metrics.told(found["auroc"]) == "not measured"


def test_the_headline_comes_first() -> None:
    nothing = Interval()
    assert metrics.in_order({"ppv_top_5": nothing, "ece": nothing}, {"auroc": nothing}) == ["auroc", "ece", "ppv_top_5"]


def test_a_tag_that_nobody_foresaw_is_shown_as_it_is() -> None:
    odd = version("1", decision="postponed", rule="weather", decided_at="soon")
    assert (verdict.decision(odd), verdict.rule(odd), verdict.decided(odd)) == ("postponed", "weather", "soon")


def test_the_way_back_leads_past_versions_that_were_withdrawn() -> None:
    versions = (
        version("4", replaced="3"),
        version("3", replaced="2", rolled_back="2026-05-02T02:12:00+00:00"),
        version("2"),
    )
    assert before(RegistrySnapshot(versions, {}), versions[0]) == "2"


def test_there_is_no_way_back_from_what_replaced_nothing_or_itself_in_a_circle() -> None:
    circle = (version("2", replaced="1"), version("1", replaced="2", rolled_back="2026-05-02T02:12:00+00:00"))
    assert before(RegistrySnapshot((version("1"),), {}), version("1")) is None
    assert before(RegistrySnapshot(circle, {}), circle[0]) is None
    assert before(RegistrySnapshot((), {}), version("3", replaced="2")) is None


def test_a_report_is_framed_without_rights() -> None:
    page = framed('<html><head></head><body onload="x()">"&</body></html>', 'of "3"')
    assert 'sandbox=""' in page
    assert "default-src &#x27;none&#x27;" not in page
    assert "default-src 'none'" in page
    assert page.count("<iframe") == 1
    assert "onload=&quot;x()&quot;" in page
    assert 'title="of &quot;3&quot;"' in page


def test_the_cards_headings_stand_below_those_of_the_page_and_its_pictures_are_not_fetched() -> None:
    assert readable("# A\n<!-- made\nby -->\n## B\n![c](http://d)") == "### A\n#### B\n!\\[c](http://d)"


def test_intervals_are_drawn_for_each_version_and_told_in_words() -> None:
    dots = [Dot.of("Version 1", Interval(value=0.5, low=0.4, high=0.6)), Dot.of("Version 2", Interval())]
    drawn = chart("AUROC", dots, ["Version 1", "Version 2"], LIGHT).to_dict()
    assert [layer["mark"]["type"] for layer in drawn["layer"]] == ["rule", "point"]
    told = "AUROC with 95% intervals. Version 1 0.5000 (0.4000 to 0.6000); Version 2 not measured."
    assert alternative("AUROC", dots) == told


def test_shares_at_the_top_come_by_size() -> None:
    known = dict.fromkeys(("ppv_top_10", "ppv_top_5", "ppv_top_20", "auroc"), Interval(value=0.5))
    assert metrics.in_order(known) == ["auroc", "ppv_top_5", "ppv_top_10", "ppv_top_20"]


def test_the_rows_of_two_versions_have_room_for_themselves() -> None:
    # The height is that of the whole picture: title and axis take a good half of it.
    dots = [Dot(name, 0.69, 0.68, 0.70, "0.69") for name in ("Version 2", "Version 1")]
    assert chart("AUROC", dots, ["Version 2", "Version 1"], LIGHT).to_dict()["height"] >= 140
