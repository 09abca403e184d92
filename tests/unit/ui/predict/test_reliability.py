import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.core import reliability as of_the_api
from ml.core.reliability import UNITS
from ui.clients.api_models import ReliabilityCurve
from ui.predict.fields import EARLIER_STAYS
from ui.predict.reliability import expected_auroc, information, largest_gains

WEIGHTS = {unit: (number + 1) / sum(range(len(UNITS) + 1)) for number, unit in enumerate(UNITS)}
INFORMATION = (0.0, 0.3, 1.0)
CURVES = ((0.5, 0.6, 0.66), (0.55, 0.63, 0.68))
SERVED = ReliabilityCurve(
    weights=WEIGHTS, information=INFORMATION, auroc_without_history=CURVES[0], auroc_with_history=CURVES[1]
)


@given(st.sets(st.sampled_from(UNITS)))
def test_the_expected_auroc_equals_that_of_the_api(known: set[str]) -> None:
    theirs = of_the_api.ReliabilityCurve(WEIGHTS, INFORMATION, CURVES, (), (), (), 0.9)
    assert expected_auroc(known, SERVED) == pytest.approx(theirs.expected_auroc(dict.fromkeys(known, 1)))


def test_the_largest_gains_are_unknown_fields_by_weight() -> None:
    gains = largest_gains({UNITS[-2]}, SERVED, limit=3)
    assert [gain.field for gain in gains] == [EARLIER_STAYS, UNITS[-3], UNITS[-4]]
    assert all(gain.auroc >= 0.5 for gain in gains)


def test_the_gain_of_the_history_uses_its_own_curve() -> None:
    (gain,) = largest_gains(set(UNITS) - {EARLIER_STAYS}, SERVED)
    assert gain.auroc == pytest.approx(0.68)


@given(st.sets(st.sampled_from(UNITS)))
def test_the_information_equals_that_of_the_api(known: set[str]) -> None:
    theirs = of_the_api.ReliabilityCurve(WEIGHTS, INFORMATION, CURVES, (), (), (), 0.9)
    assert information(known, SERVED) == pytest.approx(theirs.information_of(dict.fromkeys(known, 1)))


def test_a_field_that_would_be_listed_with_0_percent_is_no_gain() -> None:
    model = SERVED.model_copy(update={"weights": {"race": 0.0, "gender": 0.0049, "age": 0.9951}})
    assert [gain.field for gain in largest_gains(set(), model)] == ["age"]


def test_with_all_fields_known_there_is_no_gain() -> None:
    assert largest_gains(set(UNITS), SERVED) == []


def test_a_model_without_curve_has_no_expected_auroc() -> None:
    model = SERVED.model_copy(update={"information": (), "auroc_without_history": (), "auroc_with_history": ()})
    assert expected_auroc(set(), model) is None
    assert largest_gains(set(), model) == []
