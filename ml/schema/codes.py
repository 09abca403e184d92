"""Code books: the label of each coded value.

Source: IDs_mapping.csv of UCI data set 296 (Clore, Cios, DeShazo, Strack 2014, CC BY 4.0), spelling corrected.
"""

from collections.abc import Mapping
from typing import Final

RACE: Final[Mapping[str, str]] = {
    "Caucasian": "Caucasian",
    "AfricanAmerican": "African American",
    "Hispanic": "Hispanic",
    "Asian": "Asian",
    "Other": "Other",
}

ADMISSION_TYPE: Final[Mapping[int, str]] = {
    1: "Emergency",
    2: "Urgent",
    3: "Elective",
    4: "Newborn",
    5: "Not available",
    6: "Not recorded",
    7: "Trauma center",
    8: "Not mapped",
}

DISCHARGE_DISPOSITION: Final[Mapping[int, str]] = {
    1: "Home",
    2: "Another short-term hospital",
    3: "Skilled nursing facility (SNF)",
    4: "Intermediate care facility (ICF)",
    5: "Another type of inpatient care institution",
    6: "Home with home health service",
    7: "Left against medical advice",
    8: "Home under care of a home IV provider",
    9: "Admitted as an inpatient to this hospital",
    10: "Neonate to another hospital for neonatal aftercare",
    11: "Expired",
    12: "Still patient or expected to return for outpatient services",
    13: "Hospice, at home",
    14: "Hospice, medical facility",
    15: "Medicare-approved swing bed within this institution",
    16: "Another institution for outpatient services",
    17: "This institution for outpatient services",
    18: "Not recorded",
    19: "Expired at home (Medicaid only, hospice)",
    20: "Expired in a medical facility (Medicaid only, hospice)",
    21: "Expired, place unknown (Medicaid only, hospice)",
    22: "Rehabilitation facility or unit",
    23: "Long-term care hospital",
    24: "Nursing facility certified under Medicaid but not Medicare",
    25: "Not mapped",
    26: "Unknown or invalid",
    27: "Federal health care facility",
    28: "Psychiatric hospital or distinct part unit",
    29: "Critical access hospital (CAH)",
    30: "Another type of health care institution not defined elsewhere",
}

ADMISSION_SOURCE: Final[Mapping[int, str]] = {
    1: "Physician referral",
    2: "Clinic referral",
    3: "HMO referral",
    4: "Transfer from a hospital",
    5: "Transfer from a skilled nursing facility (SNF)",
    6: "Transfer from another health care facility",
    7: "Emergency room",
    8: "Court or law enforcement",
    9: "Not available",
    10: "Transfer from a critical access hospital",
    11: "Normal delivery",
    12: "Premature delivery",
    13: "Sick baby",
    14: "Extramural birth",
    15: "Information not available",
    17: "Not recorded",
    18: "Transfer from another home health agency",
    19: "Readmission to the same home health agency",
    20: "Not mapped",
    21: "Unknown or invalid",
    22: "Transfer from inpatient, same facility, separate claim",
    23: "Born inside this hospital",
    24: "Born outside this hospital",
    25: "Transfer from an ambulatory surgery center",
    26: "Transfer from hospice",
}

PAYER: Final[Mapping[str, str]] = {
    "BC": "Blue Cross / Blue Shield",
    "CH": "CHAMPUS",
    "CM": "Commercial managed care",
    "CP": "Commercial payer",
    "DM": "Medicaid managed care",
    "FR": "Free care",
    "HM": "HMO",
    "MC": "Medicare",
    "MD": "Medicaid",
    "MP": "Medicare managed plan",
    "OG": "Other government",
    "OT": "Other",
    "PO": "Preferred provider organization",
    "SI": "Self-insured",
    "SP": "Self-pay",
    "UN": "Unspecified",
    "WC": "Workers' compensation",
}

SPECIALTIES: Final[tuple[str, ...]] = tuple(
    """
    AllergyandImmunology Anesthesiology Anesthesiology-Pediatric Cardiology Cardiology-Pediatric DCPTEAM
    Dentistry Dermatology Emergency/Trauma Endocrinology Endocrinology-Metabolism Family/GeneralPractice
    Gastroenterology Gynecology Hematology Hematology/Oncology Hospitalist InfectiousDiseases InternalMedicine
    Nephrology Neurology Neurophysiology Obsterics&Gynecology-GynecologicOnco Obstetrics ObstetricsandGynecology
    Oncology Ophthalmology Orthopedics Orthopedics-Reconstructive Osteopath Otolaryngology OutreachServices
    Pathology Pediatrics Pediatrics-AllergyandImmunology Pediatrics-CriticalCare Pediatrics-EmergencyMedicine
    Pediatrics-Endocrinology Pediatrics-Hematology-Oncology Pediatrics-InfectiousDiseases Pediatrics-Neurology
    Pediatrics-Pulmonology Perinatology PhysicalMedicineandRehabilitation PhysicianNotFound Podiatry Proctology
    Psychiatry Psychiatry-Addictive Psychiatry-Child/Adolescent Psychology Pulmonology Radiologist Radiology
    Resident Rheumatology Speech SportsMedicine Surgeon Surgery-Cardiovascular Surgery-Cardiovascular/Thoracic
    Surgery-Colon&Rectal Surgery-General Surgery-Maxillofacial Surgery-Neuro Surgery-Pediatric Surgery-Plastic
    Surgery-PlasticwithinHeadandNeck Surgery-Thoracic Surgery-Vascular SurgicalSpecialty Urology
    """.split()
)

DOSE: Final[Mapping[str, str]] = {
    "No": "Not prescribed",
    "Steady": "Dose unchanged",
    "Up": "Dose increased",
    "Down": "Dose decreased",
}

GLUCOSE_SERUM: Final[Mapping[str, str]] = {
    "None": "Not measured",
    "Norm": "Normal",
    ">200": "Above 200 mg/dL",
    ">300": "Above 300 mg/dL",
}

A1C: Final[Mapping[str, str]] = {
    "None": "Not measured",
    "Norm": "Normal (below 7 %)",
    ">7": "Above 7 %, up to 8 %",
    ">8": "Above 8 %",
}

CANNOT_BE_READMITTED: Final[frozenset[int]] = frozenset({11, 13, 14, 19, 20, 21})
"""Discharge dispositions of death or hospice. Readmission is impossible, so they are excluded from the cohort."""
