import json
import socket
from pathlib import Path

import psutil
import pytest

from infra.local.errors import StackError
from infra.local.preflight import available_memory, check_exposure, check_machine, check_ports, check_settings
from infra.local.programs.program import Program
from infra.local.settings import StackSettings
from infra.local.supervision.probes import free_port
from infra.local.supervision.supervisor import Supervisor


def program(port: int) -> Program:
    return Program(name="api", command=["true"], is_ready=lambda _started_at: True, ports={"API_PORT": port})


def test_a_port_in_use_is_named_with_its_process_and_the_setting_to_change() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StackError) as caught:
            check_ports([program(port)], "127.0.0.1")
    owner = f"{psutil.Process().name()} (process {psutil.Process().pid})"
    assert f"Port {port} for api is in use by {owner}" in str(caught.value)
    assert "set API_PORT to a free port in .env" in str(caught.value)


def test_free_ports_pass_and_so_does_one_that_the_stack_holds() -> None:
    check_ports([program(free_port())], "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        check_ports([program(port)], "127.0.0.1", held={port})


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(StackError, match=r"on 203\.0\.113\.1 cannot be used"):
        check_ports([program(free_port())], "203.0.113.1")


def test_too_little_memory_is_an_error_with_the_remedy() -> None:
    with pytest.raises(StackError, match=r"Only .* GB of memory are free and the stack needs 100000: .*MIN_MEMORY_GB"):
        check_machine(StackSettings.load(min_memory_gb=100_000))


def test_too_little_disk_is_an_error_with_the_remedy() -> None:
    with pytest.raises(StackError, match=r"Only .* GB of disk are free and the stack needs 1e\+06: .*MIN_DISK_GB"):
        check_machine(StackSettings.load(min_memory_gb=0, min_disk_gb=1_000_000))


def test_a_missing_data_file_is_named() -> None:
    with pytest.raises(StackError, match=r"DATA_FILE nowhere\.zip does not exist"):
        check_machine(StackSettings.load(data_file="nowhere.zip"))


def test_free_memory_respects_the_limit_of_a_container(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("3000\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert available_memory(tmp_path) == 2000


def test_a_container_without_a_limit_has_the_memory_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert available_memory(tmp_path) > 2000


def test_ports_for_the_network_are_refused_with_the_login_of_the_demonstration() -> None:
    with pytest.raises(StackError, match=r"^BIND_ADDRESS=192\.168\.1\.5 opens .*AIRFLOW_PASSWORD"):
        check_exposure(StackSettings.load(bind_address="192.168.1.5", airflow_password="airflow"))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackSettings:
    for module in ("preflight", "programs.environment"):
        monkeypatch.setattr(f"infra.local.{module}.ROOT", tmp_path)  # without .env
    settings = StackSettings.load(local_dir=tmp_path / ".local", _env_file=None)
    settings.paths.create()
    return settings


def mlflow(artifacts: Path) -> Program:
    environment = {"MLFLOW_ARTIFACTS_DESTINATION": str(artifacts)}
    return Program(name="mlflow", command=["true"], is_ready=lambda _started_at: True, environment=environment)


def test_a_password_that_the_stack_generates_cannot_be_set_in_dotenv(
    settings: StackSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRES_PASSWORD", "of another program")
    assert check_settings(Supervisor(settings.paths), mlflow(tmp_path), settings) == []
    (tmp_path / ".env").write_text("API_DB_PASSWORD=mine")
    with pytest.raises(StackError, match=r"API_DB_PASSWORD is in \.env, .*NAME=api_db_password replaces it"):
        check_settings(Supervisor(settings.paths), mlflow(tmp_path), settings)


def test_an_address_that_the_stack_decides_is_named(
    settings: StackSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRES_HOST", "db.example.org")
    assert check_settings(Supervisor(settings.paths), mlflow(tmp_path), settings) == ["POSTGRES_HOST"]


def test_another_folder_of_artifacts_is_refused_until_they_are_moved(settings: StackSettings, tmp_path: Path) -> None:
    before, now = tmp_path / "mlruns", tmp_path / "elsewhere"
    (before / "1").mkdir(parents=True)
    (settings.paths.run / "mlflow.json").write_text(json.dumps({"environment": mlflow(before).environment}))
    supervisor = Supervisor(settings.paths)
    with pytest.raises(StackError, match=f"the artifacts are in {before}: move them, or set it back"):
        check_settings(supervisor, mlflow(now), settings)
    assert check_settings(supervisor, mlflow(before), settings) == []
    before.rename(now)
    assert check_settings(supervisor, mlflow(now), settings) == []
