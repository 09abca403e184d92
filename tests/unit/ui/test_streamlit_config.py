import tomllib
from pathlib import Path

from ml.schema import COLUMNS

CONFIG = tomllib.loads((Path(__file__).parents[3] / ".streamlit" / "config.toml").read_text())


def test_nobody_ever_sees_a_traceback() -> None:
    assert CONFIG["client"]["showErrorDetails"] == "none"


def test_nothing_is_sent_to_others() -> None:
    assert CONFIG["browser"]["gatherUsageStats"] is False


def test_an_upload_may_be_as_large_as_100_000_rows_of_all_columns_and_not_much_larger() -> None:
    longest = sum(1 + max([len(str(value)) for value in (*one.allowed, one.high or "")] + [6]) for one in COLUMNS)
    assert 100_000 * longest <= CONFIG["server"]["maxUploadSize"] * 1024 * 1024 <= 200_000 * longest


def test_the_protections_against_other_sites_stay_on() -> None:
    assert CONFIG["server"].get("enableXsrfProtection", True)
    assert CONFIG["server"].get("enableCORS", True)
