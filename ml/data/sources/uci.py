"""Data set 296 from the UCI Machine Learning Repository, by ucimlrepo.

ucimlrepo reads over the network without a time limit, so it runs in a process of its own that can be ended;
``python -m ml.data.sources.uci URL FILE`` is that process. The result is kept as a file, written atomically.
"""

import logging
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import pandas as pd
from tenacity import RetryError, Retrying, before_sleep_log, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from ml.core.errors import DataSourceError
from ml.core.settings import MlSettings
from ml.schema import (
    BY_NAME,
    COLUMN_NAMES,
    COLUMNS,
    GENUINE_OUTCOMES,
    GENUINE_PATIENTS,
    GENUINE_ROWS,
    PATIENT_ID,
    TARGET,
    UNKNOWN,
    Missing,
)

log = logging.getLogger(__name__)

DATA_SET: Final = 296


def fetch(settings: MlSettings) -> Path:
    """The data set as a csv in ``DATA_DIR``: the kept copy, or a fresh download.

    Raises:
        DataSourceError: every attempt failed or ran out of time, or what came is not the whole data set.
    """
    kept = settings.data_dir / f"uci-{DATA_SET}.csv"
    if kept.exists():
        log.info("Using the kept copy of UCI data set %s", DATA_SET)
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    retrying = Retrying(
        retry=retry_if_exception_type(DataSourceError),
        stop=stop_after_attempt(settings.uci_attempts),
        wait=wait_exponential_jitter(initial=1, max=30),
        before_sleep=before_sleep_log(log, logging.WARNING),
    )
    try:
        retrying(_download, kept, settings.uci_url, settings.uci_timeout_seconds)
    except RetryError as error:
        cause = error.last_attempt.exception()
        raise DataSourceError(
            f"UCI could not be reached in {settings.uci_attempts} attempts: {cause} "
            "Set DATA_FILE to a copy of the data set, or try again later."
        ) from cause
    return kept


def _download(kept: Path, url: str, timeout: float) -> None:
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".download-") as scratch:
        fresh = Path(scratch, kept.name)
        command = [sys.executable, "-m", "ml.data.sources.uci", url, str(fresh)]
        try:
            subprocess.run(command, check=True, timeout=timeout, capture_output=True, text=True)
        except subprocess.TimeoutExpired:
            raise DataSourceError(f"UCI did not deliver within {timeout:g} seconds.") from None
        except subprocess.CalledProcessError as error:
            last = error.stderr.strip().splitlines() or ["no message"]
            raise DataSourceError(f"The download from UCI failed: {last[-1]}.") from None
        check_counts(pd.read_csv(fresh, usecols=[PATIENT_ID, TARGET]))
        fresh.replace(kept)


def check_counts(table: pd.DataFrame) -> None:
    """Make sure that the table is the whole genuine data set, by rows, patients and outcomes.

    Raises:
        DataSourceError: naming the first count that differs.
    """
    found = (len(table), table[PATIENT_ID].nunique(), table[TARGET].value_counts().to_dict())
    expected = (GENUINE_ROWS, GENUINE_PATIENTS, GENUINE_OUTCOMES)
    for what, value, wanted in zip(("encounters", "patients", "outcomes"), found, expected, strict=True):
        if value != wanted:
            raise DataSourceError(f"UCI delivered {value} {what} in place of {wanted}.")


def as_delivered(original: pd.DataFrame) -> pd.DataFrame:
    """Undo what reading by pandas' defaults did: the table as in ``diabetic_data.csv``.

    ucimlrepo's ``data.original`` has lost "?" (read as missing) and the laboratory category "None" (likewise).
    """
    table = original[list(COLUMN_NAMES)].copy()
    for column in COLUMNS:
        values = table[column.name]
        if BY_NAME[column.name].missing is Missing.NOT_MEASURED:
            table[column.name] = values.fillna("None")
        elif column.missing is Missing.UNKNOWN:
            # A code such as 428 may have been read as a number in a run of rows without letters.
            table[column.name] = values.map(lambda v: f"{v:g}" if isinstance(v, float) else str(v), "ignore").fillna(
                UNKNOWN
            )
    return table


def _main(url: str, target: str) -> None:
    from ucimlrepo import fetch as api

    api.API_BASE_URL = f"{url}/api/dataset"
    original = api.fetch_ucirepo(id=DATA_SET).data.original
    as_delivered(original).to_csv(target, index=False)


if __name__ == "__main__":
    _main(*sys.argv[1:])
