"""The last prediction of a session: requested once, kept until the form is filled with another patient."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import streamlit as st

from ui import services
from ui.clients.api_models import Prediction, ServedModel
from ui.clients.errors import ServiceError, result_or_error
from ui.predict.fields import EARLIER_STAYS, Entries, Value
from ui.predict.reliability import MIN_INFORMATION_FOR_RANK, information

KEY: Final = "last-result"
_ENTRIES: Final = "last-entries"
_OUTDATED: Final = "last-is-outdated"


@dataclass(frozen=True, slots=True)
class Result:
    """A prediction with its entries and model; ``model`` is None if that version is no longer served.

    ``excess`` holds the entered values that the record has the highest allowed value for.
    """

    entries: Entries
    prediction: Prediction
    model: ServedModel | None
    excess: Mapping[str, int] = field(default_factory=dict)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def record(self) -> Mapping[str, Value]:
        """The record that was sent."""
        return self.entries.record

    @property
    def risk(self) -> float:
        """The predicted probability."""
        return self.prediction.predictions[0]

    @property
    def known(self) -> Set[str]:
        """The fields of the record, and the earlier stays if the API used them."""
        return {*self.record, *([EARLIER_STAYS] if self.prediction.history[0] == "used" else [])}

    def has_rank(self, known: Set[str]) -> bool:
        """Whether a record with these known fields holds enough for a rank among the test encounters."""
        return self.model is not None and (information(known, self.model.reliability_curve) >= MIN_INFORMATION_FOR_RANK)


def last() -> Result | ServiceError | None:
    """The last result or error of this session."""
    result: Result | ServiceError | None = st.session_state.get(KEY)
    return result


def clear() -> None:
    """Remove the last result (for callbacks)."""
    st.session_state.pop(KEY, None)


def is_outdated() -> bool:
    """Whether the form held another record than the last result when it was last compared."""
    return bool(st.session_state.get(_OUTDATED))


def compare_with(entries: Entries) -> bool:
    """Compare the last result with the present entries; returns whether :func:`is_outdated` has changed."""
    before = is_outdated()
    st.session_state[_OUTDATED] = last() is not None and st.session_state[_ENTRIES] != entries
    return is_outdated() != before


def predict(entries: Entries, excess: Mapping[str, int]) -> None:
    """Request a prediction and store it, or the error."""
    st.session_state[_ENTRIES], st.session_state[_OUTDATED] = entries, False
    prediction = result_or_error(lambda: services.api().predict(*entries))
    if isinstance(prediction, ServiceError):
        services.refresh()
        st.session_state[KEY] = prediction
    else:
        st.session_state[KEY] = Result(entries, prediction, _model_of(prediction), excess)


def _model_of(prediction: Prediction) -> ServedModel | None:
    """The served model if its version is that of the prediction; fetched anew after a swap."""
    for _attempt in range(2):
        served = services.serving_state().served
        if isinstance(served, ServedModel) and served.version == prediction.model.version:
            return served
        services.refresh()
    return None
