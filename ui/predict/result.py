"""The last prediction of a session: requested once, kept until the form changes to another record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import streamlit as st

from ui import services
from ui.clients.api_models import Prediction, ServedModel
from ui.clients.errors import ServiceError, result_or_error

KEY: Final = "last-result"


@dataclass(frozen=True, slots=True)
class Result:
    """A prediction with its record and model; ``model`` is None if that version is no longer served."""

    record: Mapping[str, str | int]
    prediction: Prediction
    model: ServedModel | None

    @property
    def risk(self) -> float:
        """The predicted probability."""
        return self.prediction.predictions[0]


def last() -> Result | ServiceError | None:
    """The last result or error of this session."""
    result: Result | ServiceError | None = st.session_state.get(KEY)
    return result


def clear() -> None:
    """Remove the last result (for callbacks)."""
    st.session_state.pop(KEY, None)


def predict(record: Mapping[str, str | int]) -> None:
    """Request a prediction and store it, or the error."""
    prediction = result_or_error(lambda: services.api().predict(record))
    if isinstance(prediction, ServiceError):
        services.refresh()
        st.session_state[KEY] = prediction
    else:
        st.session_state[KEY] = Result(record, prediction, _model_of(prediction))


def _model_of(prediction: Prediction) -> ServedModel | None:
    """The served model if its version is that of the prediction; fetched anew after a swap."""
    for _attempt in range(2):
        served = services.serving_state().served
        if isinstance(served, ServedModel) and served.version == prediction.model.version:
            return served
        services.refresh()
    return None
