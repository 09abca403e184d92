import pytest

from ml.schema import BY_NAME, CANNOT_BE_READMITTED
from ui.predict.examples import FIRST, FURTHER, Example, title

ALL = (FIRST, *FURTHER)


@pytest.mark.parametrize("example", ALL, ids=lambda example: example.key)
def test_every_value_of_an_example_is_one_that_the_schema_takes(example: Example) -> None:
    refused = {name: value for name, value in example.record.items() if not BY_NAME[name].accepts(value)}
    assert refused == {}


@pytest.mark.parametrize("example", ALL, ids=lambda example: example.key)
def test_no_example_is_a_patient_who_cannot_be_readmitted(example: Example) -> None:
    assert example.record.get("discharge_disposition_id") not in CANNOT_BE_READMITTED


def test_examples_have_titles_of_their_own_and_differ_in_how_much_is_known() -> None:
    assert len({title(example) for example in ALL}) == len(ALL)
    assert len({len(example.record) for example in ALL}) == len(ALL)
