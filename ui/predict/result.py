"""Asking for a prediction, and keeping what came of it for as long as it belongs to the form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import streamlit as st

from ui import services
from ui.clients.api_models import Prediction, ServedModel
from ui.clients.errors import ServiceError

KEY: Final = "last-result"
"""Where a session keeps its last result."""


@dataclass(frozen=True, slots=True)
class Result:
    """A prediction with all that is shown beside it, as it was when it was made."""

    record: Mapping[str, str | int]
    prediction: Prediction
    model: ServedModel | None  # None when the cohort of that version could not be had

    @property
    def risk(self) -> float:
        """The predicted probability."""
        return self.prediction.predictions[0]


def last() -> Result | ServiceError | None:
    """What came of the last question of this session, if there was one."""
    found: Result | ServiceError | None = st.session_state.get(KEY)
    return found


def forget() -> None:
    """Show no result beside a form that it does not belong to (for callbacks)."""
    st.session_state.pop(KEY, None)


def ask(record: Mapping[str, str | int]) -> None:
    """Predict for one record; a fault is kept, since it is shown in the same place."""
    answer = services.outcome(lambda: services.api().predict(record))
    if isinstance(answer, ServiceError):
        services.look_again()
        st.session_state[KEY] = answer
    else:
        st.session_state[KEY] = Result(record, answer, _model_of(answer))


def _model_of(prediction: Prediction) -> ServedModel | None:
    """The served model, if it is the one that predicted; asked anew when a swap came in between."""
    for _attempt in range(2):
        served = services.picture().served
        if isinstance(served, ServedModel) and served.version == prediction.model.version:
            return served
        services.look_again()
    return None
