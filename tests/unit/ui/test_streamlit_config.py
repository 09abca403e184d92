import tomllib
from pathlib import Path

from ml.schema import COLUMNS

CONFIG = tomllib.loads((Path(__file__).parents[3] / ".streamlit" / "config.toml").read_text())


def test_tracebacks_are_not_shown() -> None:
    assert CONFIG["client"]["showErrorDetails"] == "none"


def test_usage_statistics_are_off() -> None:
    assert CONFIG["browser"]["gatherUsageStats"] is False


def test_the_upload_limit_fits_100_000_rows_of_all_columns() -> None:
    longest = sum(1 + max([len(str(value)) for value in (*one.allowed, one.high or "")] + [6]) for one in COLUMNS)
    assert 100_000 * longest <= CONFIG["server"]["maxUploadSize"] * 1024 * 1024 <= 200_000 * longest


def test_xsrf_and_cors_protection_is_on() -> None:
    assert CONFIG["server"].get("enableXsrfProtection", True)
    assert CONFIG["server"].get("enableCORS", True)
