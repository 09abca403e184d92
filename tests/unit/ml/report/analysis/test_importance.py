"""Permutation importance of groups and fields."""

from dataclasses import replace

import numpy as np
import pandas as pd

from ml.report.analysis.importance import importance
from ml.report.analysis.scored_test_set import ScoredTestSet
from ml.report.findings import Findings
from ml.schema import INPUTS, Group
from tests.unit.ml.report.provenance import SAMPLES


def test_the_only_field_of_a_model_is_the_most_important(scored: ScoredTestSet) -> None:
    """Permuting any other field changes nothing."""

    def by_stays(table: pd.DataFrame) -> np.ndarray:
        return 0.05 + table["number_inpatient"].to_numpy(dtype=np.float64) / 100

    groups, fields, _ = importance(replace(scored, predict=by_stays, probabilities=by_stays(scored.table)), SAMPLES)

    assert (groups[0].label, fields[0].label) == (Group.UTILISATION.value, "Inpatient stays")
    assert groups[0].auroc["value"] == fields[0].auroc["value"] > 0.01
    assert all(loss.auroc["value"] == 0 for loss in (*groups[1:], *fields[1:]))


def test_every_group_of_inputs_has_an_importance(findings: Findings) -> None:
    assert {row.label for row in findings.group_importance} == {column.group.value for column in INPUTS}
    assert sum(row.fields for row in findings.group_importance) == len(INPUTS)
