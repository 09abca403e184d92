"""The whole cohort as one table, for studies that split it in their own ways: from PostgreSQL, or from the file."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from ml.data.sources.file import locate, read_chunks
from ml.data.validation import validate
from ml.schema import CANNOT_BE_READMITTED, COLUMN_NAMES, ENCOUNTER_ID, PATIENT_ID
from ml.warehouse.datasets import TYPES, read


@dataclass(frozen=True, slots=True)
class Cohort:
    """Encounters after which a readmission is possible, in the order of their ids.

    ``source`` says where they come from, ``version`` is a hash of their content.
    """

    table: pd.DataFrame
    source: str
    version: str

    @property
    def patients(self) -> int:
        """How many patients they are of."""
        return int(self.table[PATIENT_ID].nunique())


def cohort_of_warehouse(engine: sa.Engine) -> Cohort:
    """Train and test data of the ``diabetes`` database together; the version is their data version.

    Raises:
        NoDataError: nothing has been ingested.
        WarehouseError: PostgreSQL cannot be reached.
    """
    dataset = read(engine)
    table = pd.concat([dataset.train, dataset.test])
    return Cohort(_in_order(table), dataset.version.source, dataset.version.data_version)


def cohort_of_file(path: Path) -> Cohort:
    """The cohort out of a delivered file, without a database; the version is the hash of its sound rows.

    Raises:
        DataSourceError: there is no such file, or it is not the data set.
        RejectedDataError: a row breaks the schema.
    """
    with tempfile.TemporaryDirectory() as scratch:
        validated = validate(read_chunks(locate(path)), Path(scratch), max_rejected_share=0)
        table = pd.read_csv(
            validated.accepted,
            header=None,
            names=list(COLUMN_NAMES),
            dtype=TYPES,
            keep_default_na=False,
            na_values=[""],
        )
    table = table[~table["discharge_disposition_id"].isin(CANNOT_BE_READMITTED)]
    return Cohort(_in_order(table), path.name, validated.content_sha256)


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """The 50 columns by encounter: a forest draws rows by their place, so that must not depend on the way here."""
    return table[list(COLUMN_NAMES)].sort_values(ENCOUNTER_ID, ignore_index=True)
