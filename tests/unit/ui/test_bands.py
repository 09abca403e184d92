import pytest

from ui.bands import band_of, definition

EVEN = tuple(i / 100 for i in range(101))


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
    assert "lower half, up to 50.0%; upper half, up to 80.0%; top fifth, up to 95.0%;" in definition(EVEN)


def test_equal_risks_are_all_in_the_lowest_band() -> None:
    assert band_of(0.1, (0.1,) * 101) == "Lower half"
