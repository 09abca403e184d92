"""Encounters to which the model does not apply."""

from ml.schema import BY_NAME, CANNOT_BE_READMITTED
from ml.schema.population import outside_population


def test_death_and_hospice_are_outside_the_population_and_nothing_else() -> None:
    codes = BY_NAME["discharge_disposition_id"].allowed
    reasons = {code: outside_population({"discharge_disposition_id": code}) for code in codes}

    assert {code for code, reason in reasons.items() if reason} == CANNOT_BE_READMITTED
    assert outside_population({}) is None
    assert reasons[11] == (
        "discharge_disposition_id 11 (Expired): a readmission is not possible, and the model was fitted without such "
        "encounters"
    )
