import tomllib
from pathlib import Path

CONFIG = tomllib.loads((Path(__file__).parents[3] / ".streamlit" / "config.toml").read_text())


def test_nobody_ever_sees_a_traceback() -> None:
    assert CONFIG["client"]["showErrorDetails"] == "none"


def test_nothing_is_sent_to_others_and_uploads_are_small() -> None:
    assert CONFIG["browser"]["gatherUsageStats"] is False
    assert CONFIG["server"]["maxUploadSize"] <= 10


def test_the_protections_against_other_sites_stay_on() -> None:
    assert CONFIG["server"].get("enableXsrfProtection", True)
    assert CONFIG["server"].get("enableCORS", True)
