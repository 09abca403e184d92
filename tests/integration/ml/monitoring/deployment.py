"""A deployed model with a real database, a real registry, and a prediction log that tests fill."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from ml.core.bundle import load_bundle
from ml.core.names import PRODUCTION
from ml.core.settings import MlSettings
from ml.features.records import to_records
from ml.features.tables import without_history
from ml.registry.client import Registry
from ml.schema import ENCOUNTER_ID, PATIENT_ID, Record
from ml.warehouse.datasets import Dataset
from ml.warehouse.tables import predictions
from tests.integration.ml.registries import register_bundle


@dataclass(frozen=True)
class Deployment:
    """What monitoring works on."""

    settings: MlSettings
    engine: sa.Engine
    registry: Registry
    dataset: Dataset
    bundle: Path

    def promote(self, data_version: str | None = None) -> str:
        """Register the model and promote it to production; returns its number."""
        number = register_bundle(self.registry, self.bundle).number
        self.registry.set_tags(number, {"data_version": data_version or self.dataset.version.data_version})
        self.registry.set_alias(PRODUCTION, number)
        return number

    def predict(self, encounters: pd.DataFrame, version: str = "1", **changes: Any) -> None:
        """Log predictions for encounters, made with the history of their patients."""
        scores = load_bundle(self.bundle).predict(to_records(encounters)).tolist()
        records = to_records(without_history(encounters))
        identifiers = zip(encounters[PATIENT_ID].astype(str), encounters[ENCOUNTER_ID].astype(str), strict=True)
        logged = zip(records, scores, identifiers, strict=True)
        rows = [
            {**row(record, number, score), "model_version": version, "patient": patient, "encounter": encounter}
            for number, (record, score, (patient, encounter)) in enumerate(logged)
        ]
        self.insert(*({**each, **changes} for each in rows))

    def insert(self, *rows: dict[str, Any]) -> None:
        """Insert rows into the prediction log."""
        with self.engine.begin() as connection:
            connection.execute(predictions.insert(), list(rows))


def row(record: Record, position: int = 0, probability: float = 0.1, **changes: Any) -> dict[str, Any]:
    """A row of the prediction log, one hour old."""
    return {
        "request_id": "a request of the tests",
        "position": position,
        "predicted_at": datetime.now(UTC) - timedelta(hours=1),
        "model_version": "1",
        "data_source": "synthetic",
        "record": dict(record),
        "known_fields": len(record),
        "probability": probability,
        "load_test": False,
        "client": "address:tests",
        "patient": None,
        "encounter": None,
        **changes,
    }
