"""What Alertmanager sends to a webhook, as far as it is used here."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class Alert(BaseModel):
    """One alert that began or ended."""

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: datetime = Field(alias="startsAt")


class Notification(BaseModel):
    """Alerts that Alertmanager tells together."""

    receiver: str
    alerts: list[Alert]
