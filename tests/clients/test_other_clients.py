"""Clients in other languages: fetch clients for Node from the OpenAPI document, the JDK's, and curl."""

import shutil
from pathlib import Path

import pytest

from tests.clients.conftest import KEY, Service
from tests.clients.environments import EXAMPLES, node_environment, run
from tests.clients.table import Table
from tests.support.programs import required

EVERYTHING = ("file", "model", "outcome")
FETCH_CLIENTS = {
    "hey_api_client.ts": ("Hey API", EVERYTHING),
    "openapi_fetch_client.ts": ("openapi-fetch", ("model", "outcome")),
    "orval_client.ts": ("Orval", ("model",)),
}


@pytest.fixture(scope="module")
def generated(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the programs for Node, their data, and the clients generated from the service's document."""
    node = node_environment(EXAMPLES / "node" / "package.json")
    folder = tmp_path_factory.mktemp("node") / "clients"
    shutil.copytree(EXAMPLES / "node", folder)
    (folder / "node_modules").symlink_to(node / "node_modules")
    for name in ("record.json", "patients.csv"):
        shutil.copy(EXAMPLES / name, folder)
    run(["npm", "run", "generate"], folder, API_URL=service.url)
    return folder


def test_the_types_of_the_fetch_clients_fit_their_programs(generated: Path) -> None:
    run(["npm", "run", "check"], generated)


@pytest.mark.parametrize("program", FETCH_CLIENTS)
def test_a_fetch_client_gets_the_same_answers(service: Service, table: Table, generated: Path, program: str) -> None:
    client, more = FETCH_CLIENTS[program]

    printed = run(["node_modules/.bin/tsx", program], generated, API_URL=service.url)

    table.add(client, printed, service.risks, service.version, more)


def test_a_fetch_client_sends_the_key_of_another_service(service: Service, table: Table, generated: Path) -> None:
    program = "hey_api_client.ts"

    printed = run(["node_modules/.bin/tsx", program], generated, API_URL=service.guarded_url, API_KEY=KEY)

    table.add("Hey API, key", printed, service.risks, service.version, EVERYTHING)


def test_the_client_of_the_jdk_gets_the_same_answers(service: Service, table: Table) -> None:
    java = required("java", package="openjdk-17-jdk-headless")

    printed = run([java, EXAMPLES / "ReadmissionClient.java"], API_URL=service.url)

    table.add("JDK HttpClient", printed, service.risks, service.version, EVERYTHING)


@pytest.mark.parametrize("options", [(), ("--http2",)], ids=["as it is", "HTTP/2"])
def test_curl_gets_the_same_answers(service: Service, table: Table, options: tuple[str, ...]) -> None:
    required("curl", package="curl")

    printed = run([EXAMPLES / "curl_client.sh", *options], API_URL=service.url)

    table.add(" ".join(("curl", *options)), printed, service.risks, service.version, EVERYTHING)
