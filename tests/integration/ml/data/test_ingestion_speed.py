"""Speed of ingestion compared with row-by-row inserts of the same frame."""

from pathlib import Path

import pytest

from bench.ingestion import LIMIT, ROUNDS, measure
from infra.local.postgres.cluster import PostgresServer

pytestmark = pytest.mark.alone


def test_ingestion_takes_at_most_a_quarter_of_the_time_of_to_sql(
    postgres_server: PostgresServer, genuine_file: Path
) -> None:
    # One round within the limit is enough, because load on the machine can slow down any round.
    ratios = []
    for _ in range(ROUNDS):
        result = measure(postgres_server, genuine_file, rounds=1)
        assert result["rows"] == 101_766
        ratios.append(result["ratio_to_to_sql"])
        if ratios[-1] <= LIMIT:
            return
    pytest.fail(f"ratios to the time of to_sql: {ratios}, limit {LIMIT}")
