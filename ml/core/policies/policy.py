"""A policy: a named threshold of risk from which encounters are flagged for follow-up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

MAX_NAME: Final = 60
MAX_TEXT: Final = 500

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Threshold = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)  # openapi-typescript makes a member with a default a required one


class Policy(BaseModel):
    """A threshold with its name. An encounter is flagged if its risk is at or above the threshold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    threshold: Threshold

    def flags(self, risks: NDArray[np.float32], outside: Sequence[str | None]) -> list[bool | None]:
        """Whether each encounter is flagged; None outside the population of the model.

        Compared as float32, as risks are: a risk that is printed like the threshold is at the threshold.
        """
        flagged: list[bool | None] = (risks >= np.float32(self.threshold)).tolist()
        for place, reason in enumerate(outside):
            if reason is not None:
                flagged[place] = None
        return flagged


class PolicyChange(BaseModel):
    """A change of the policy in force: who made it, why, and on which model version; without a policy, a withdrawal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: Policy | None
    actor: Text
    reason: Text
    model_version: Annotated[str | None, Field(max_length=20, json_schema_extra=_without_default)] = None


class RecordedChange(PolicyChange):
    """A change as it is stored."""

    id: int
    changed_at: datetime

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> "RecordedChange":
        """From a row with the columns of :data:`COLUMNS`."""
        number, changed_at, name, threshold, actor, reason, version = row
        policy = None if name is None else Policy.model_construct(name=name, threshold=threshold)
        return cls.model_construct(
            id=number, changed_at=changed_at, policy=policy, actor=actor, reason=reason, model_version=version
        )


COLUMNS: Final = ("id", "changed_at", "name", "threshold", "actor", "reason", "model_version")
"""Columns of the table ``policies``; the newest row is in force."""
