"""Ingestion is fast: COPY and one pass of validation, against row-by-row inserts of the same frame."""

from pathlib import Path

from bench.ingestion import LIMIT, measure
from infra.local.postgres import PostgresServer


def test_ingesting_the_genuine_file_takes_at_most_a_quarter_of_a_bare_to_sql(
    postgres_server: PostgresServer, genuine_file: Path, tmp_path: Path
) -> None:
    outcome = measure(postgres_server, genuine_file, tmp_path, rounds=1)

    assert outcome.rows == 101_766
    assert outcome.ratio <= LIMIT
