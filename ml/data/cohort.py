"""The whole cohort as one table, from PostgreSQL or from a delivered file; for studies with their own splits."""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from ml.data.sources.file import locate, read_chunks
from ml.data.validation import validate
from ml.schema import CANNOT_BE_READMITTED, COLUMN_NAMES, ENCOUNTER_ID, PATIENT_ID
from ml.warehouse.datasets import DTYPES, parse_rows, read


@dataclass(frozen=True, slots=True)
class Cohort:
    """Encounters that can be followed by a readmission, in the order of their ids; ``version`` is a content hash."""

    table: pd.DataFrame
    source: str
    version: str

    @property
    def patients(self) -> int:
        """Number of patients."""
        return int(self.table[PATIENT_ID].nunique())


def cohort_of_warehouse(engine: sa.Engine) -> Cohort:
    """Train and test data of the ``diabetes`` database; the version is the data version.

    Raises:
        NoDataError: nothing has been ingested.
        WarehouseError: PostgreSQL is unreachable.
    """
    dataset = read(engine, most_rows=sys.maxsize)
    table = pd.concat([dataset.train, dataset.test])
    return Cohort(_sort(table), dataset.version.source, dataset.version.data_version)


def cohort_of_file(path: Path) -> Cohort:
    """The cohort of a delivered file; the version is the hash of its valid rows.

    Raises:
        DataSourceError: the file does not exist or is not the data set.
        RejectedDataError: a row violates the schema.
    """
    with tempfile.TemporaryFile() as valid, tempfile.TemporaryFile() as invalid:
        validated = validate(read_chunks(locate(path)), valid.write, invalid.write, max_rejected_share=0)
        valid.seek(0)
        table = parse_rows(valid, header=None)
    table = table[~table["discharge_disposition_id"].isin(CANNOT_BE_READMITTED)]
    return Cohort(_sort(table), path.name, validated.content_sha256)


def _sort(table: pd.DataFrame) -> pd.DataFrame:
    """Sort by encounter: a forest samples rows by position, so results must not depend on the order of the source."""
    return table[list(COLUMN_NAMES)].astype(DTYPES).sort_values(ENCOUNTER_ID, ignore_index=True)
