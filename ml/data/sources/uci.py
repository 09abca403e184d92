"""Downloads data set 296 from the UCI Machine Learning Repository with ucimlrepo.

ucimlrepo has no network timeout, so it runs in a process of its own: ``python -m ml.data.sources.uci URL FILE``.
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
from ml.schema import COLUMNS, GENUINE_OUTCOMES, GENUINE_PATIENTS, GENUINE_ROWS, PATIENT_ID, TARGET, UNKNOWN, Missing

log = logging.getLogger(__name__)

DATA_SET: Final = 296


def fetch(settings: MlSettings) -> Path:
    """Download the data set to a csv in ``DATA_DIR``, unless it is there already.

    Raises:
        DataSourceError: every attempt failed or timed out, or the content is not the complete data set.
    """
    cached = settings.data_dir / f"uci-{DATA_SET}.csv"
    if cached.exists():
        log.info("Using the cached copy of UCI data set %s", DATA_SET)
        return cached
    cached.parent.mkdir(parents=True, exist_ok=True)
    retrying = Retrying(
        retry=retry_if_exception_type(DataSourceError),
        stop=stop_after_attempt(settings.uci_attempts),
        wait=wait_exponential_jitter(initial=1, max=30),
        before_sleep=before_sleep_log(log, logging.WARNING),
    )
    try:
        retrying(_download, cached, settings.uci_url, settings.uci_timeout_seconds)
    except RetryError as error:
        cause = error.last_attempt.exception()
        raise DataSourceError(
            f"UCI could not be reached in {settings.uci_attempts} attempts: {cause} "
            "Set DATA_FILE to a copy of the data set, or try again later."
        ) from cause
    return cached


def _download(target: Path, url: str, timeout: float) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".download-") as scratch:
        partial = Path(scratch, target.name)
        command = [sys.executable, "-m", "ml.data.sources.uci", url, str(partial)]
        try:
            subprocess.run(command, check=True, timeout=timeout, capture_output=True, text=True)
        except subprocess.TimeoutExpired:
            raise DataSourceError(f"UCI did not deliver within {timeout:g} seconds.") from None
        except subprocess.CalledProcessError as error:
            last = error.stderr.strip().splitlines() or ["no message"]
            raise DataSourceError(f"The download from UCI failed: {last[-1]}.") from None
        check_counts(pd.read_csv(partial, usecols=[PATIENT_ID, TARGET]))
        partial.replace(target)


def check_counts(table: pd.DataFrame) -> None:
    """Verify the numbers of rows, patients and outcomes of the complete data set.

    Raises:
        DataSourceError: naming the first count that differs.
    """
    counts = (len(table), table[PATIENT_ID].nunique(), table[TARGET].value_counts().to_dict())
    expected = (GENUINE_ROWS, GENUINE_PATIENTS, GENUINE_OUTCOMES)
    for name, count, correct in zip(("encounters", "patients", "outcomes"), counts, expected, strict=True):
        if count != correct:
            raise DataSourceError(f"UCI delivered {count} {name} in place of {correct}.")


def as_delivered(original: pd.DataFrame) -> pd.DataFrame:
    """Restore the form of ``diabetic_data.csv``.

    In ucimlrepo's ``data.original`` pandas has replaced "?" and the laboratory category "None" with NaN, and codes such
    as 428 may be floats.
    """
    table = original[[column.name for column in COLUMNS]].copy()
    for column in COLUMNS:
        values = table[column.name]
        if column.missing is Missing.NOT_MEASURED:
            table[column.name] = values.fillna("None")
        elif column.missing is Missing.UNKNOWN:
            texts = values.map(lambda v: f"{v:g}" if isinstance(v, float) else str(v), "ignore")
            table[column.name] = texts.fillna(UNKNOWN)
    return table


def _main(url: str, target: str) -> None:
    from ucimlrepo import fetch as api

    api.API_BASE_URL = f"{url}/api/dataset"
    original = api.fetch_ucirepo(id=DATA_SET).data.original
    as_delivered(original).to_csv(target, index=False)


if __name__ == "__main__":
    _main(*sys.argv[1:])
