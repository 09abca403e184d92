"""What a comparison of two commits concludes from its rows."""

from typing import Any

import pytest

from bench.serving.check import verdict


def row(throughput: float, null: float = 1.0) -> dict[str, Any]:
    return {"requests": "full record", "connections": 16, "throughput": throughput, "null_throughput": null}


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([row(1.3), row(0.91)], 0),
        ([row(1.3), row(0.89)], 1),
        ([row(1.3, null=0.9), row(0.5)], 2),
    ],
    ids=["a loss within the limit", "a loss beyond the limit", "a machine that cannot tell"],
)
def test_the_exit_code_names_a_loss_or_a_busy_machine(rows: list[dict[str, Any]], code: int) -> None:
    assert verdict(rows, limit=0.10) == code
