from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.schema.marginals import CONSTANT, MARGINALS
from ui.predict import medications

DOSES = st.fixed_dictionaries({}, optional={name: st.sampled_from(medications.DOSES) for name in medications.OFFERED})


@pytest.fixture
def session() -> Iterator[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        state: dict[str, Any] = {}
        patch.setattr(medications.st, "session_state", state)
        yield state


def test_the_list_has_what_varies_in_the_data_with_the_most_frequent_first() -> None:
    assert set(medications.OFFERED) == medications.ALL.keys() - CONSTANT
    assert medications.OFFERED[:2] == ("insulin", "metformin")
    assert len(MARGINALS["insulin"]) > 1


@given(DOSES)
def test_a_record_that_is_filled_in_has_the_same_doses_again(doses: dict[str, str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(medications.st, "session_state", {})
        medications.fill(doses)
        values = medications.values()
    offered = {name: dose for name, dose in values.items() if name in medications.OFFERED}
    assert offered == doses


def test_the_switch_says_of_all_others_that_they_are_not_prescribed(session: dict[str, Any]) -> None:
    session[medications.CHOSEN] = ["insulin"]
    session[medications.dose_key("insulin")] = "Up"
    assert medications.values() == {"insulin": "Up"}
    session[medications.OTHERS] = True
    assert medications.values() == dict.fromkeys(medications.ALL, "No") | {"insulin": "Up"}
