import pytest

from ui.bands import band_of, definition, names

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
def test_a_band_says_how_many_of_the_cohort_have_a_lower_risk(risk: float, name: str) -> None:
    assert band_of(risk, EVEN).name == name


def test_bands_are_numbered_from_the_lowest() -> None:
    assert [band_of(risk, EVEN).number for risk in (0.1, 0.6, 0.9, 0.99)] == list(range(len(names())))


def test_the_definition_names_the_risks_at_which_the_bands_end() -> None:
    assert "lower half, up to 50.0%; upper half, up to 80.0%; top fifth, up to 95.0%;" in definition(EVEN)


def test_in_a_cohort_of_equal_risks_nobody_is_in_the_top() -> None:
    assert band_of(0.1, (0.1,) * 101).name == "Lower half"
