"""``.env.example`` documents every setting, with its default."""

import re

import pytest
from pydantic_settings import BaseSettings

from api.settings import ApiSettings
from infra.backup.settings import BackupSettings
from infra.exporter.settings import ExporterSettings
from infra.local.settings import StackSettings
from ml.core.settings import MlSettings
from tests.support.env_example import ROOT, documented_settings
from tests.support.overlays import OVERLAYS
from tests.support.signing import VARIABLES as SIGNING_VARIABLES
from ui.settings import UiSettings

CLASSES: tuple[type[BaseSettings], ...] = (
    MlSettings,
    ApiSettings,
    UiSettings,
    ExporterSettings,
    StackSettings,
    BackupSettings,
)
READ_OTHERWISE = {"SECRETS_DIR", "LOAD_SHAPE", "COMPOSE_PROJECT_NAME"}
"""Read before any settings class (where secrets lie), by Locust's own process, and by Docker Compose itself."""
SECRETS = (
    "diabetes_db_password",
    "api_db_password",
    "postgres_monitor_password",
    "airflow_exporter_password",
    "prediction_log_key",
)
"""They have no default: each is generated."""


def composed() -> set[str]:
    text = "".join((ROOT / name).read_text() for name in ("docker-compose.yml", *OVERLAYS))
    passed_on = re.findall(r"^\s+([A-Z][A-Z_]+):$", text, re.M)
    return {*re.findall(r"(?<!\$)\$\{([A-Z_]+)", text), *passed_on}


def test_every_setting_is_documented_and_nothing_else() -> None:
    fields = {name.upper() for settings in CLASSES for name in settings.model_fields}
    assert set(documented_settings()) == fields | READ_OTHERWISE | composed()


def test_compose_passes_on_what_is_not_of_the_native_stack_or_of_other_programs() -> None:
    """A changed variable gives a container another configuration, so the next `up` recreates it."""
    parts = re.split(r"^# --- (.*?) -+$", (ROOT / ".env.example").read_text(), flags=re.M)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    for title in ("Native stack only", "Programs outside of both stacks, which decide these themselves"):
        del sections[title]
    names = set(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", "".join(sections.values()), re.M))
    assert names - composed() == {"COMPOSE_PROJECT_NAME"}, "which Compose itself reads"


@pytest.mark.parametrize("settings", CLASSES)
def test_the_documented_value_is_the_default(settings: type[BaseSettings], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SIGNING_VARIABLES:
        monkeypatch.delenv(name)
    secrets = {name: "k" * 16 for name in SECRETS if name in settings.model_fields}
    written = {name: documented_settings()[name.upper()] for name in settings.model_fields}
    assert settings(_env_file=None, **written | secrets) == settings(_env_file=None, **secrets)
