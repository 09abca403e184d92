"""docs/api.md: every command works, and so does MLflow's own client."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd
import pytest
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from mlflow.version import VERSION

from tests.integration.api.bundles import write_bundle
from tests.integration.api.models.registry_server import running_registry
from tests.integration.api.process import ApiProcess, running_api
from tests.integration.api.storage.databases import migrate

GUIDE = Path("docs/api.md").read_text()


@pytest.fixture
def api(tmp_path: Path, database_settings: dict[str, str], postgres_url: str) -> Iterator[ApiProcess]:
    migrate(postgres_url)
    settings = {name.upper(): value for name, value in database_settings.items()}
    with running_registry() as registry:
        registry.promote("1", write_bundle(tmp_path / "1"))
        with running_api(tmp_path, registry.url, **settings) as process:
            process.wait_until_ready()
            yield process


def test_every_command_of_the_guide_works(api: ApiProcess, tmp_path: Path) -> None:
    blocks = re.findall(r"```bash\n(.*?)```", GUIDE, re.S)
    script = "set -euo pipefail\n" + "echo\n".join(blocks).replace("http://localhost:8000", api.url)

    ended = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    sections = {section.partition("\n")[0]: section for section in GUIDE.split("\n## ")[1:]}
    assert {name for name, section in sections.items() if "```bash" not in section} == {
        "The model itself, from MLflow",
        "Errors",
    }
    assert ended.stdout.count('"predictions":[') == 10
    assert '"status":"recorded"' in ended.stdout
    assert '"outputs":[{"name":"probability","datatype":"FP32","shape":[2]' in ended.stdout
    header, *lines = (tmp_path / "predictions.csv").read_text().splitlines()
    assert header.endswith(",readmission_risk,known_fields,reliability,risk_low,risk_high,outside_population,warnings")
    assert len(lines) == 2


def test_the_client_of_mlflow_works(api: ApiProcess) -> None:
    address = urlsplit(api.url)
    client = ScoringServerClient(address.hostname, address.port)
    table = pd.DataFrame({"age": ["[60-70)", None], "number_inpatient": [2, float("nan")]})
    records = [{"age": "[60-70)", "number_inpatient": 2}, {}]

    client.wait_server_ready(timeout=10)
    answer = client.invoke(table)

    assert (
        list(answer.get_predictions()[0])
        == api.client.post("/predict", json={"records": records}).json()["predictions"]
    )
    assert client.get_version() == VERSION
