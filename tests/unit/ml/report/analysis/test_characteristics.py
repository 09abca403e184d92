"""The table of characteristics says of how many encounters the described ones were drawn."""

import pandas as pd

from ml.report.analysis.characteristics import DRAWN, LINES, characteristics


def test_all_encounters_are_counted_once(train_table: pd.DataFrame, test_table: pd.DataFrame) -> None:
    found = characteristics(train_table, test_table, (len(train_table), len(test_table)))

    assert [line.label for line in found] == list(LINES)
    assert found[0].train == f"{len(train_table):,}"


def test_a_sample_is_named_as_one(train_table: pd.DataFrame, test_table: pd.DataFrame) -> None:
    encounters, drawn, *_ = characteristics(train_table, test_table, (len(train_table), 2_000_000))

    assert encounters.test == f"{len(test_table):,}"
    assert (drawn.label, drawn.train, drawn.test) == (DRAWN, f"{len(train_table):,}", "2,000,000")
