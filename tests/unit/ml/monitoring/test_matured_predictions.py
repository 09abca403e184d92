"""Patient clusters of matured predictions."""

from hypothesis import given
from hypothesis import strategies as st

from ml.monitoring.matured_predictions import patient_clusters


@given(st.lists(st.none() | st.text(max_size=2), max_size=30))
def test_records_share_a_cluster_only_if_they_name_the_same_patient(patients: list[str | None]) -> None:
    found = patient_clusters(patients)

    assert found.shape == (len(patients),)
    for a, one in enumerate(patients):
        for b, other in enumerate(patients):
            assert (found[a] == found[b]) == (a == b or (one is not None and one == other))
