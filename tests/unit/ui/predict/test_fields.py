import pytest

from ml.schema import BY_NAME, FEATURES, INPUTS, PATIENT_ID, UNKNOWN, Column, Group
from ml.schema.marginals import CONSTANT
from ui.i18n.wording import label_of, value_label
from ui.predict.fields import FIRST, further_groups, value_text
from ui.predict.medications import OFFERED


def test_the_form_has_every_feature_that_varies_and_the_patient_once() -> None:
    behind = [column.name for columns in further_groups().values() for column in columns]
    expected = [PATIENT_ID, *(column.name for column in FEATURES if column.name not in CONSTANT)]
    assert sorted([*FIRST, *behind, *OFFERED]) == sorted(expected)


def test_groups_are_in_the_order_of_a_stay_with_the_identity_last() -> None:
    *stay, last = further_groups()
    order = list(Group)
    places = [order.index(group) for group in stay]
    assert places == sorted(places)
    assert last is Group.IDENTITY


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("age", "[60-70)", "60 to 69"),
        ("weight", "[75-100)", "75 to under 100 (34 to 45 kg)"),
        ("weight", ">200", "over 200 (91 kg)"),
        ("race", "AfricanAmerican", "African American"),
        ("admission_source_id", 7, "Emergency room"),
        ("diag_1", "428", "428 Heart failure"),
        ("diag_1", UNKNOWN, "Unknown"),
        ("age", UNKNOWN, "Unknown"),
    ],
)
def test_values_have_labels(name: str, value: str | int, read: str) -> None:
    assert value_text(BY_NAME[name], value) == read


@pytest.mark.parametrize("column", FEATURES, ids=lambda column: column.name)
def test_values_of_a_field_have_unique_labels(column: Column) -> None:
    texts = [value_label(column, value) for value in (UNKNOWN, *column.allowed)]
    assert len(set(texts)) == len(texts)


def test_fields_have_unique_labels() -> None:
    labels = [label_of(column) for column in INPUTS]
    assert len(set(labels)) == len(labels)


def test_labels_have_their_unit_once() -> None:
    assert label_of(BY_NAME["time_in_hospital"]) == "Length of stay (days)"
    assert label_of(BY_NAME["num_procedures"]) == "Other procedures"
    assert label_of(BY_NAME["gender"]) == "Gender"
