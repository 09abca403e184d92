"""Sampling of test patients."""

import numpy as np

from ml.report.analysis.scored_test_set import ScoredTestSet


def test_sampled_patients_have_all_their_encounters(scored: ScoredTestSet) -> None:
    part = scored.sample_patients(500)
    inside = np.isin(scored.patients, part.patients)

    assert 500 <= len(part.labels) == inside.sum() < 600
    assert scored.sample_patients(10**6) is scored
