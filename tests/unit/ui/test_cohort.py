from itertools import pairwise

import pytest

from ui.cohort import axis_end, band_definition, band_of, distribution, quantile, ratio, share_below, standing

EVEN = tuple(i / 100 for i in range(101))
"""A cohort whose risks are spread evenly from 0 to 1."""


@pytest.mark.parametrize(("risk", "share"), [(0.0, 0.0), (0.25, 0.25), (0.255, 0.255), (1.0, 1.0)])
def test_the_share_below_is_interpolated_between_the_quantiles(risk: float, share: float) -> None:
    assert share_below(risk, EVEN) == pytest.approx(share)


def test_risks_outside_the_cohort_are_below_no_one_or_above_everyone() -> None:
    cohort = (0.1, 0.2, 0.3)
    assert share_below(0.05, cohort) == 0
    assert share_below(0.9, cohort) == 1


def test_patients_of_equal_risk_are_not_counted_as_lower() -> None:
    assert share_below(0.2, (0.1, 0.2, 0.2, 0.2, 0.3)) == 0.25


def test_a_cohort_of_equal_risks_has_a_distribution() -> None:
    same = (0.1,) * 101
    assert share_below(0.1, same) == 0
    assert sum(one.share for one in distribution(same, axis_end(0.1, same))) == pytest.approx(1)


def test_the_bins_sum_to_1_on_the_whole_axis() -> None:
    assert sum(one.share for one in distribution(EVEN, 1.0)) == pytest.approx(1)


def test_the_bins_are_adjacent_and_cover_the_axis() -> None:
    bars = distribution(EVEN, 0.8, bins=8)
    assert bars[0].low == 0
    assert bars[-1].high == pytest.approx(0.8)
    assert all(left.high == right.low for left, right in pairwise(bars))


def test_a_quantile_is_the_risk_that_its_share_of_the_cohort_does_not_exceed() -> None:
    assert [quantile(share, (0.1, 0.2, 0.4)) for share in (0, 0.5, 0.75, 1)] == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_the_axis_includes_a_risk_beyond_the_cohort() -> None:
    assert axis_end(0.6, (0.0, 0.1, 0.2)) > 0.6
    assert axis_end(0.99, EVEN) == 1


def test_rank_and_ratio_name_their_population() -> None:
    assert standing(0.2, EVEN) == "Higher than the risk of 20% of the test encounters."
    assert ratio(0.2, 0.1) == "2.0 times the share readmitted among the training encounters (10.0%)."
    assert ratio(0.1, 0.1) == "About the share readmitted among the training encounters (10.0%)."
    assert ratio(0.1, 0.0) == ""


def test_the_rank_never_claims_0_or_100_percent() -> None:
    assert standing(0.001, EVEN) == "Higher than the risk of none of the test encounters."
    assert standing(1.0, EVEN) == "Higher than the risk of all test encounters."


@pytest.mark.parametrize(
    ("risk", "name"),
    [
        (0.0, "Lower half"),
        (0.49, "Lower half"),
        (0.5, "Upper half"),
        (0.79, "Upper half"),
        (0.81, "Top fifth"),
        (0.96, "Top twentieth"),
        (1.0, "Top twentieth"),
    ],
)
def test_the_band_depends_on_the_share_of_the_cohort_with_a_lower_risk(risk: float, name: str) -> None:
    assert band_of(risk, EVEN) == name


def test_the_definition_lists_the_risks_at_which_the_bands_end() -> None:
    assert "lower half, up to 50.0%; upper half, up to 80.0%; top fifth, up to 95.0%;" in band_definition(EVEN)


def test_equal_risks_are_all_in_the_lowest_band() -> None:
    assert band_of(0.1, (0.1,) * 101) == "Lower half"
