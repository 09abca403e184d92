import pytest

from ml.schema import BY_NAME, CANNOT_BE_READMITTED
from ui.predict.examples import FIRST, FURTHER, Example, title

ALL = (FIRST, *FURTHER)


@pytest.mark.parametrize("example", ALL, ids=lambda example: example.key)
def test_every_value_of_an_example_is_valid(example: Example) -> None:
    refused = {name: value for name, value in example.record.items() if not BY_NAME[name].accepts(value)}
    assert refused == {}


@pytest.mark.parametrize("example", ALL, ids=lambda example: example.key)
def test_no_example_is_outside_the_population(example: Example) -> None:
    assert example.record.get("discharge_disposition_id") not in CANNOT_BE_READMITTED


def test_examples_have_unique_titles_and_numbers_of_known_fields() -> None:
    assert len({title(example) for example in ALL}) == len(ALL)
    assert len({len(example.record) for example in ALL}) == len(ALL)
