"""Made-up example patients with values of the schema, from few known fields to all."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from ml.schema import EXAMPLE_RECORD
from ui.i18n.language import _


class Example(NamedTuple):
    """A made-up patient; ``key`` is the key of its button."""

    key: str
    record: Mapping[str, str | int]


FIRST: Final = Example("example", {name: value for name, value in EXAMPLE_RECORD.items() if value is not None})

AT_ADMISSION: Final = Example(
    "at-admission",
    {
        "race": "Hispanic",
        "gender": "Male",
        "age": "[50-60)",
        "admission_type_id": 1,
        "admission_source_id": 7,
        "payer_code": "MD",
        "number_outpatient": 0,
        "number_emergency": 1,
        "number_inpatient": 0,
        "diag_1": "682",
        "insulin": "Steady",
        "diabetesMed": "Yes",
    },
)
PLANNED: Final = Example(
    "planned",
    {
        "race": "Caucasian",
        "gender": "Male",
        "age": "[40-50)",
        "admission_type_id": 3,
        "discharge_disposition_id": 1,
        "admission_source_id": 1,
        "time_in_hospital": 2,
        "medical_specialty": "Orthopedics",
        "num_lab_procedures": 12,
        "num_procedures": 2,
        "num_medications": 10,
        "number_outpatient": 0,
        "number_emergency": 0,
        "number_inpatient": 0,
        "diag_1": "715",
        "diag_2": "250",
        "diag_3": "401",
        "number_diagnoses": 4,
        "A1Cresult": "Norm",
        "metformin": "Steady",
        "insulin": "No",
        "change": "No",
        "diabetesMed": "Yes",
    },
)
OFTEN_ADMITTED: Final = Example(
    "often-admitted",
    {
        "race": "AfricanAmerican",
        "gender": "Female",
        "age": "[70-80)",
        "admission_type_id": 1,
        "discharge_disposition_id": 3,
        "admission_source_id": 7,
        "time_in_hospital": 8,
        "payer_code": "MC",
        "medical_specialty": "InternalMedicine",
        "num_lab_procedures": 61,
        "num_procedures": 1,
        "num_medications": 24,
        "number_outpatient": 2,
        "number_emergency": 3,
        "number_inpatient": 5,
        "diag_1": "428",
        "diag_2": "585",
        "diag_3": "250.42",
        "number_diagnoses": 9,
        "max_glu_serum": "None",
        "A1Cresult": ">8",
        "metformin": "No",
        "insulin": "Up",
        "change": "Ch",
        "diabetesMed": "Yes",
    },
)
FURTHER: Final = (AT_ADMISSION, PLANNED, OFTEN_ADMITTED)


def title(example: Example) -> str:
    """Label of the button."""
    return {
        FIRST.key: _("Example patient"),
        AT_ADMISSION.key: _("Just admitted: little is known yet"),
        PLANNED.key: _("Short planned stay, no earlier stays"),
        OFTEN_ADMITTED.key: _("Heart failure, admitted five times in the prior year"),
    }[example.key]
