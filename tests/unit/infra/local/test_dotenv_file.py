import json
import shutil
import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local.dotenv_file import check_dotenv
from infra.local.errors import StackError
from tests.support.env_example import ROOT

VALUES = st.tuples(st.sampled_from(["", "'", '"']), st.text("ab $#{}'\"\\=:-", max_size=5)).map(
    lambda drawn: f"{drawn[0]}{drawn[1]}{drawn[0]}"
)
"""Plain, in single and in double quotes."""


def refusal(folder: Path, text: str) -> str:
    file = folder / ".env"
    file.write_text(text)
    try:
        check_dotenv(file)
    except StackError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("value", ["pa$word", '"pa$word"', "pa$$word", "${word}", "a$"])
def test_a_dollar_is_refused_with_the_way_to_quote(tmp_path: Path, value: str) -> None:
    said = refusal(tmp_path, f"# logins\nAIRFLOW_USER=airflow\nAIRFLOW_PASSWORD={value}\n")
    assert "Line 3 of .env, AIRFLOW_PASSWORD" in said
    assert "AIRFLOW_PASSWORD='…'" in said


@pytest.mark.parametrize("value", ["'pa$word'", "pa#word", "'pa word'", "pa  # costs $5", "", "C:\\data"])
def test_other_values_pass(tmp_path: Path, value: str) -> None:
    assert refusal(tmp_path, f"AIRFLOW_PASSWORD={value}\n") == ""


@pytest.mark.parametrize("value", [" # none", " #", "\t#none"])
def test_a_comment_in_place_of_a_value_is_refused(tmp_path: Path, value: str) -> None:
    assert "on a line of its own" in refusal(tmp_path, f"API_KEYS={value}\n")
    assert refusal(tmp_path, "API_KEYS=#\n") == ""


def test_the_delivered_example_passes() -> None:
    check_dotenv(ROOT / ".env.example")


def test_no_file_passes(tmp_path: Path) -> None:
    check_dotenv(tmp_path / ".env")


@pytest.mark.skipif(shutil.which("docker") is None, reason="the reader of Docker Compose is not installed")
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(VALUES, min_size=40, max_size=40))
def test_what_passes_is_the_same_value_to_docker_compose(tmp_path: Path, values: list[str]) -> None:
    lines = [f"V{number}={value}" for number, value in enumerate(values)]
    passing = [line for line in lines if not refusal(tmp_path, line)]
    (tmp_path / ".env").write_text("\n".join([*passing, ""]))
    names = [line.partition("=")[0] for line in passing]
    environment = {name: f"${{{name}}}" for name in names}
    service = {"services": {"x": {"image": "x", "environment": environment}}}
    (tmp_path / "docker-compose.yml").write_text(json.dumps(service))
    command = ["docker", "compose", "--project-directory", str(tmp_path), "config", "--format", "json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    composed = json.loads(done.stdout)["services"]["x"]["environment"]
    assert {name: composed[name].replace("$$", "$") for name in names} == dict(dotenv_values(tmp_path / ".env"))
