"""How often each value occurs in the 101,766 encounters: the marginal distribution of every feature.

Counts of data set 296 (CC BY 4.0); "?" is the count of unknown values. Diagnoses list their 40 most frequent
codes, counts their values seen at least 20 times. The synthetic cohort and the load test draw from these.
"""

from collections.abc import Mapping
from typing import Final

# fmt: off
MARGINALS: Final[Mapping[str, Mapping[str | int, int]]] = {
    "race": {"Caucasian": 76099, "AfricanAmerican": 19210, "?": 2273, "Hispanic": 2037, "Other": 1506, "Asian": 641},
    "gender": {"Female": 54708, "Male": 47055, "Unknown/Invalid": 3},
    "age": {
        "[70-80)": 26068, "[60-70)": 22483, "[50-60)": 17256, "[80-90)": 17197, "[40-50)": 9685, "[30-40)":
        3775, "[90-100)": 2793, "[20-30)": 1657, "[10-20)": 691, "[0-10)": 161
    },
    "weight": {
        "?": 98569, "[75-100)": 1336, "[50-75)": 897, "[100-125)": 625, "[125-150)": 145, "[25-50)": 97,
        "[0-25)": 48, "[150-175)": 35, "[175-200)": 11, ">200": 3
    },
    "admission_type_id": {1: 53990, 2: 18480, 3: 18869, 4: 10, 5: 4785, 6: 5291, 7: 21, 8: 320},
    "discharge_disposition_id": {
        1: 60234, 2: 2128, 3: 13954, 4: 815, 5: 1184, 6: 12902, 7: 623, 8: 108, 9: 21, 10: 6, 11: 1642, 12: 3,
        13: 399, 14: 372, 15: 63, 16: 11, 17: 14, 18: 3691, 19: 8, 20: 2, 22: 1993, 23: 412, 24: 48, 25: 989,
        27: 5, 28: 139
    },
    "admission_source_id": {
        1: 29565, 2: 1104, 3: 187, 4: 3187, 5: 855, 6: 2264, 7: 57494, 8: 16, 9: 125, 10: 8, 11: 2, 13: 1, 14:
        2, 17: 6781, 20: 161, 22: 12, 25: 2
    },
    "time_in_hospital": {
        1: 14208, 2: 17224, 3: 17756, 4: 13924, 5: 9966, 6: 7539, 7: 5859, 8: 4391, 9: 3002, 10: 2342, 11:
        1855, 12: 1448, 13: 1210, 14: 1042
    },
    "payer_code": {
        "?": 40256, "MC": 32439, "HM": 6274, "SP": 5007, "BC": 4655, "MD": 3532, "CP": 2533, "UN": 2448, "CM":
        1937, "OG": 1033, "PO": 592, "DM": 549, "CH": 146, "WC": 135, "OT": 95, "MP": 79, "SI": 55, "FR": 1
    },
    "medical_specialty": {
        "?": 49949, "InternalMedicine": 14635, "Emergency/Trauma": 7565, "Family/GeneralPractice": 7440,
        "Cardiology": 5352, "Surgery-General": 3099, "Nephrology": 1613, "Orthopedics": 1400,
        "Orthopedics-Reconstructive": 1233, "Radiologist": 1140, "Pulmonology": 871, "Psychiatry": 854,
        "Urology": 685, "ObstetricsandGynecology": 671, "Surgery-Cardiovascular/Thoracic": 652,
        "Gastroenterology": 564, "Surgery-Vascular": 533, "Surgery-Neuro": 468,
        "PhysicalMedicineandRehabilitation": 391, "Oncology": 348, "Pediatrics": 254, "Hematology/Oncology":
        207, "Neurology": 203, "Pediatrics-Endocrinology": 159, "Otolaryngology": 125, "Endocrinology": 120,
        "Surgery-Thoracic": 109, "Psychology": 101, "Podiatry": 100, "Surgery-Cardiovascular": 98,
        "Pediatrics-CriticalCare": 87, "Hematology": 82, "Gynecology": 58, "Hospitalist": 57, "Radiology": 53,
        "Surgeon": 45, "Surgery-Plastic": 41, "Osteopath": 39, "Ophthalmology": 38, "InfectiousDiseases": 37,
        "SurgicalSpecialty": 33, "Obsterics&Gynecology-GynecologicOnco": 25, "Pediatrics-Pulmonology": 25,
        "Anesthesiology-Pediatric": 19, "Obstetrics": 19, "Rheumatology": 17, "Pathology": 17,
        "Anesthesiology": 12, "OutreachServices": 12, "Surgery-Colon&Rectal": 11, "Surgery-Maxillofacial": 11,
        "PhysicianNotFound": 11, "Pediatrics-Neurology": 10, "Surgery-Pediatric": 8,
        "Endocrinology-Metabolism": 8, "Psychiatry-Child/Adolescent": 7, "AllergyandImmunology": 7,
        "Cardiology-Pediatric": 7, "DCPTEAM": 6, "Pediatrics-Hematology-Oncology": 4, "Dentistry": 4,
        "Pediatrics-EmergencyMedicine": 3, "Pediatrics-AllergyandImmunology": 3, "Resident": 2,
        "Surgery-PlasticwithinHeadandNeck": 1, "Pediatrics-InfectiousDiseases": 1, "Psychiatry-Addictive": 1,
        "Proctology": 1, "Dermatology": 1, "SportsMedicine": 1, "Speech": 1, "Perinatology": 1,
        "Neurophysiology": 1
    },
    "num_lab_procedures": {
        1: 3208, 2: 1101, 3: 668, 4: 378, 5: 286, 6: 282, 7: 323, 8: 366, 9: 933, 10: 838, 11: 689, 12: 506,
        13: 404, 14: 336, 15: 461, 16: 544, 17: 743, 18: 730, 19: 977, 20: 763, 21: 676, 22: 694, 23: 836, 24:
        744, 25: 1048, 26: 1094, 27: 831, 28: 1048, 29: 1340, 30: 1354, 31: 1311, 32: 1336, 33: 1297, 34:
        1677, 35: 1907, 36: 1962, 37: 2079, 38: 2213, 39: 2101, 40: 2201, 41: 2117, 42: 2113, 43: 2804, 44:
        2496, 45: 2376, 46: 2189, 47: 2106, 48: 2058, 49: 2066, 50: 1924, 51: 1925, 52: 1838, 53: 1802, 54:
        1888, 55: 1836, 56: 1839, 57: 1747, 58: 1708, 59: 1624, 60: 1610, 61: 1638, 62: 1444, 63: 1450, 64:
        1324, 65: 1238, 66: 1212, 67: 1093, 68: 1043, 69: 991, 70: 826, 71: 798, 72: 749, 73: 661, 74: 612,
        75: 526, 76: 465, 77: 421, 78: 357, 79: 334, 80: 293, 81: 283, 82: 225, 83: 230, 84: 160, 85: 156, 86:
        128, 87: 91, 88: 102, 89: 73, 90: 65, 91: 61, 92: 48, 93: 56, 94: 45, 95: 46, 96: 28, 97: 31, 98: 26
    },
    "num_procedures": {0: 46652, 1: 20742, 2: 12717, 3: 9443, 4: 4180, 5: 3078, 6: 4954},
    "num_medications": {
        1: 262, 2: 470, 3: 900, 4: 1417, 5: 2017, 6: 2699, 7: 3484, 8: 4353, 9: 4913, 10: 5346, 11: 5795, 12:
        6004, 13: 6086, 14: 5707, 15: 5792, 16: 5430, 17: 4919, 18: 4523, 19: 4078, 20: 3691, 21: 3230, 22:
        2868, 23: 2426, 24: 2109, 25: 1888, 26: 1608, 27: 1432, 28: 1233, 29: 1000, 30: 849, 31: 712, 32: 623,
        33: 504, 34: 453, 35: 388, 36: 287, 37: 293, 38: 228, 39: 209, 40: 179, 41: 146, 42: 128, 43: 127, 44:
        100, 45: 88, 46: 92, 47: 74, 48: 60, 49: 61, 50: 55, 51: 43, 52: 54, 53: 40, 54: 33, 55: 32, 56: 37,
        57: 26, 58: 25, 59: 20, 60: 23
    },
    "number_outpatient": {
        0: 85027, 1: 8547, 2: 3594, 3: 2042, 4: 1099, 5: 533, 6: 303, 7: 155, 8: 98, 9: 83, 10: 57, 11: 42,
        12: 30, 13: 31, 14: 28, 15: 20
    },
    "number_emergency": {
        0: 90383, 1: 7677, 2: 2042, 3: 725, 4: 374, 5: 192, 6: 94, 7: 73, 8: 50, 9: 33, 10: 34, 11: 23
    },
    "number_inpatient": {
        0: 67630, 1: 19521, 2: 7566, 3: 3411, 4: 1622, 5: 812, 6: 480, 7: 268, 8: 151, 9: 111, 10: 61, 11: 49,
        12: 34, 13: 20
    },
    "diag_1": {
        "428": 6862, "414": 6581, "786": 4016, "410": 3614, "486": 3508, "427": 2766, "491": 2275, "715":
        2151, "682": 2042, "434": 2028, "780": 2019, "996": 1967, "276": 1889, "38": 1688, "250.8": 1680,
        "599": 1595, "584": 1520, "V57": 1207, "250.6": 1183, "518": 1115, "820": 1082, "577": 1057, "493":
        1056, "435": 1016, "562": 989, "574": 965, "296": 896, "560": 876, "250.7": 871, "250.13": 851, "440":
        840, "433": 789, "998": 784, "722": 771, "250.02": 675, "578": 663, "250.11": 625, "507": 610, "789":
        561, "453": 546
    },
    "diag_2": {
        "276": 6752, "428": 6662, "250": 6071, "427": 5036, "401": 3736, "496": 3305, "599": 3288, "403":
        2823, "414": 2650, "411": 2566, "250.02": 2074, "707": 1999, "585": 1871, "584": 1649, "491": 1545,
        "250.01": 1523, "285": 1520, "780": 1491, "425": 1434, "682": 1433, "486": 1379, "518": 1355, "424":
        1071, "413": 1042, "250.6": 895, "493": 881, "305": 702, "786": 644, "280": 606, "998": 571, "410":
        549, "511": 519, "785": 516, "38": 475, "996": 454, "272": 420, "571": 414, "197": 410, "V45": 408,
        "295": 408
    },
    "diag_3": {
        "250": 11555, "401": 8289, "276": 5175, "428": 4577, "427": 3955, "414": 3664, "496": 2605, "403":
        2357, "585": 1992, "272": 1969, "599": 1941, "V45": 1389, "250.02": 1369, "707": 1360, "780": 1334,
        "285": 1200, "425": 1136, "250.6": 1080, "424": 1063, "584": 963, "305": 924, "250.01": 915, "682":
        887, "518": 854, "41": 727, "493": 694, "278": 680, "530": 625, "786": 584, "491": 574, "486": 568,
        "244": 540, "V58": 501, "250.4": 429, "411": 399, "280": 398, "357": 394, "785": 388, "287": 388,
        "197": 385
    },
    "number_diagnoses": {1: 219, 2: 1023, 3: 2835, 4: 5537, 5: 11393, 6: 10161, 7: 10393, 8: 10616, 9: 49474, 16: 45},
    "max_glu_serum": {"None": 96420, "Norm": 2597, ">200": 1485, ">300": 1264},
    "A1Cresult": {"None": 84748, ">8": 8216, "Norm": 4990, ">7": 3812},
    "metformin": {"No": 81778, "Steady": 18346, "Up": 1067, "Down": 575},
    "repaglinide": {"No": 100227, "Steady": 1384, "Up": 110, "Down": 45},
    "nateglinide": {"No": 101063, "Steady": 668, "Up": 24, "Down": 11},
    "chlorpropamide": {"No": 101680, "Steady": 79, "Up": 6, "Down": 1},
    "glimepiride": {"No": 96575, "Steady": 4670, "Up": 327, "Down": 194},
    "acetohexamide": {"No": 101765, "Steady": 1},
    "glipizide": {"No": 89080, "Steady": 11356, "Up": 770, "Down": 560},
    "glyburide": {"No": 91116, "Steady": 9274, "Up": 812, "Down": 564},
    "tolbutamide": {"No": 101743, "Steady": 23},
    "pioglitazone": {"No": 94438, "Steady": 6976, "Up": 234, "Down": 118},
    "rosiglitazone": {"No": 95401, "Steady": 6100, "Up": 178, "Down": 87},
    "acarbose": {"No": 101458, "Steady": 295, "Up": 10, "Down": 3},
    "miglitol": {"No": 101728, "Steady": 31, "Down": 5, "Up": 2},
    "troglitazone": {"No": 101763, "Steady": 3},
    "tolazamide": {"No": 101727, "Steady": 38, "Up": 1},
    "examide": {"No": 101766},
    "citoglipton": {"No": 101766},
    "insulin": {"No": 47383, "Steady": 30849, "Down": 12218, "Up": 11316},
    "glyburide-metformin": {"No": 101060, "Steady": 692, "Up": 8, "Down": 6},
    "glipizide-metformin": {"No": 101753, "Steady": 13},
    "glimepiride-pioglitazone": {"No": 101765, "Steady": 1},
    "metformin-rosiglitazone": {"No": 101764, "Steady": 2},
    "metformin-pioglitazone": {"No": 101765, "Steady": 1},
    "change": {"No": 54755, "Ch": 47011},
    "diabetesMed": {"Yes": 78363, "No": 23403},
}
# fmt: on
