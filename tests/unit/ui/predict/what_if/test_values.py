import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.schema import BY_NAME, Kind
from ml.schema.marginals import CONSTANT, MARGINALS
from ui.predict.what_if.changes import FIELDS
from ui.predict.what_if.values import MOST, values_of


@pytest.mark.parametrize("name", FIELDS)
def test_the_values_of_a_field_are_valid_in_order_and_fit_into_one_request(name: str) -> None:
    column, values = BY_NAME[name], values_of(name, None)
    assert 2 <= len(values) <= MOST
    assert all(column.accepts(value) for value in values)
    assert len(set(values)) == len(values)
    if column.kind is Kind.COUNT:
        assert values == sorted(values)  # type: ignore[type-var]
    elif column.allowed:
        assert values == [value for value in column.allowed if value in values]


@given(st.integers(0, 150))
def test_the_entered_value_is_among_them(current: int) -> None:
    values = values_of("num_lab_procedures", current)
    assert current in values
    assert len(values) <= MOST


def test_counts_span_the_data_evenly() -> None:
    values = values_of("num_lab_procedures", None)
    seen = [value for value in MARGINALS["num_lab_procedures"] if isinstance(value, int)]
    assert (values[0], values[-1]) == (min(seen), max(seen))


def test_what_never_varies_in_the_data_is_not_offered() -> None:
    assert {"examide", "citoglipton"} == CONSTANT
    assert CONSTANT.isdisjoint(FIELDS)
