"""Scoring of a file in parts by the real API."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.schema.code_systems import CodeSystem
from tests.integration.api.bundles import write_bundle
from tests.integration.api.models.registry_server import running_registry
from tests.integration.api.process import ApiProcess, running_api
from ui.batch import tables
from ui.batch.delivered_file import DeliveredFile
from ui.batch.scoring import PART_ROWS, ScoringJob, Stage
from ui.clients.file_scoring import ScoringClient

HEADER = "encounter_id,patient_nbr,gender,number_inpatient,readmitted"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiProcess]:
    with running_registry() as registry:
        registry.promote("7", write_bundle(tmp_path / "bundle"))
        with running_api(tmp_path, registry.url) as process:
            process.wait_until_ready()
            yield process


def scored(api: ApiProcess, lines: list[str]) -> ScoringJob:
    scoring = ScoringJob(DeliveredFile("\r\n".join([HEADER, *lines, ""]).encode()), "patients.csv")
    with ScoringClient(api.url, 30) as client:
        scoring.run(client.score)
    return scoring


def test_the_parts_equal_the_response_to_the_whole_file(api: ApiProcess) -> None:
    lines = [f"{n + 1},{n % 900 + 1},{('Female', 'Male', '?')[n % 3]},{n % 20},NO" for n in range(2 * PART_ROWS + 500)]
    scoring = scored(api, lines)
    assert (scoring.stage, scoring.versions) == (Stage.DONE, {"7"})
    content = "\r\n".join([HEADER, *lines, ""])
    whole = api.client.post("/predict/csv", content=content, headers={"Content-Type": "text/csv"})
    assert tables.results(scoring.file, scoring.table) == whole.content


def test_every_invalid_line_is_found(api: ApiProcess) -> None:
    lines = [f"{n + 1},1,{'X' if n % 3 == 0 else 'F'},1,NO" for n in range(1_200)]
    scoring = scored(api, lines)
    assert scoring.invalid_lines == {n + 2 for n in range(0, 1_200, 3)}
    assert len(scoring.table) == 800


@pytest.mark.parametrize("content", [tables.template(), None], ids=["template", "patient numbers"])
def test_a_file_with_patient_numbers_is_tabulated_from_the_real_answer(api: ApiProcess, content: bytes | None) -> None:
    file = DeliveredFile(content or f"{HEADER}\r\n1,7,Female,2,NO\r\n2,?,Male,0,NO\r\n".encode())
    scoring = ScoringJob(file, "patients.csv")
    with ScoringClient(api.url, 30) as client:
        scoring.run(client.score)
    assert scoring.stage is Stage.DONE
    shown = tables.top(scoring.file, scoring.table)
    assert len(shown) == 2
    assert set(shown["history"]) <= {
        "no patient number",
        "taken into account",
        "patient not known",
        "not looked up in time",
    }


def test_a_file_in_icd_10_cm_is_returned_with_the_codes_used(api: ApiProcess) -> None:
    content = b"diag_1,age\r\nj449,[60-70)\r\n?,[60-70)\r\n"
    scoring = ScoringJob(DeliveredFile(content, CodeSystem.ICD10), "patients.csv")
    with ScoringClient(api.url, 30) as client:
        scoring.run(client.score)
    first, second = csv.DictReader(tables.results(scoring.file, scoring.table).decode().splitlines())
    assert (first["diag_1"], first["diag_1_icd9"], second["diag_1_icd9"]) == ("j449", "496", "")
    assert first["warnings"].startswith("ICD-9-CM has several counterparts of J44.9")
