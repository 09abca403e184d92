"""Encounters of patients out of PostgreSQL."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from api.storage.postgres import Postgres
from ml.core.history import SOURCE_COLUMNS
from ml.schema import CANNOT_BE_READMITTED, ENCOUNTER_ID, PATIENT_ID

Encounter = Mapping[str, Any]

_COLUMNS: Final = tuple(dict.fromkeys((ENCOUNTER_ID, "discharge_disposition_id", *SOURCE_COLUMNS)))
_QUERY: Final = (
    f"SELECT {PATIENT_ID}, {', '.join(_COLUMNS)} FROM raw_data "  # noqa: S608  names of the schema
    f"WHERE {PATIENT_ID} = ANY(%s::bigint[]) ORDER BY {ENCOUNTER_ID}"
)


class EncounterReader:
    """Reads encounters. Safe to call from several threads."""

    def __init__(self, connection: Mapping[str, Any]) -> None:
        self._postgres = Postgres(connection)

    def read(self, patients: Collection[int], deadline: float) -> dict[int, tuple[Encounter, ...]]:
        """All encounters of some patients, whatever their end, oldest first; of an unknown patient none.

        Args:
            patients: their numbers.
            deadline: on the clock of :func:`time.monotonic`.

        Raises:
            psycopg2.Error: PostgreSQL cannot be reached, or refuses.
            TimeoutError: the deadline has passed.
        """
        rows = self._postgres.ask(_QUERY, (list(patients),), deadline)
        found: dict[int, list[Encounter]] = {patient: [] for patient in patients}
        for patient, *values in rows:
            found[patient].append(dict(zip(_COLUMNS, values, strict=True)))
        return {patient: tuple(encounters) for patient, encounters in found.items()}

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self._postgres.close()


def in_cohort(encounter: Encounter) -> bool:
    """Whether a readmission could follow; models are trained on the history of such encounters only."""
    return encounter["discharge_disposition_id"] not in CANNOT_BE_READMITTED
