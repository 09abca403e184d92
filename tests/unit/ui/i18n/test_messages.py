"""Messages of services and of the file reader in Spanish. They come from the code that writes them."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from api.scoring.record_checks import contradictions
from ml.evaluation.bootstrap import Interval
from ml.promotion.rules import ENOUGH_POSITIVES
from ml.schema import COLUMNS
from ml.schema.files.errors import FileError, HeaderError
from ml.schema.translations import Language
from tests.unit.infra.prometheus.prometheus_files import alerts
from tests.unit.ml.promotion.decisions import INCUMBENT, TWIN, decision_on, evidence, group, interval
from tests.unit.ui.batch.outcomes.test_outcome_file import DAY, FAULTS
from ui.batch.delivered_file import DeliveredFile
from ui.batch.outcomes.outcome_file import OutcomeFile
from ui.i18n import messages
from ui.i18n.messages import message

ENGLISH = re.compile(r"\b(the|is|are|and|of|than|with|but|or|it|which|not|for|was|names?|to)\b")
NAMES = {column.name for column in COLUMNS}
NAN = interval(float("nan"))
FALL: Interval = {"value": -0.05, "low": -0.06, "high": -0.04}
BETTER: Interval = {"value": 0.01, "low": 0.004, "high": 0.016}


def reasons() -> Iterator[str]:
    """Every kind of reason of the gate."""
    yield decision_on(evidence(), None).reason
    yield decision_on(evidence(ece=interval(0.2, 0.01))).reason
    yield decision_on(evidence(calibration_slope=interval(0.4, 0.1))).reason
    yield decision_on(evidence(calibration_slope=NAN)).reason
    yield decision_on(evidence(calibration_intercept=interval(-1.0, 0.2))).reason
    few = replace(evidence(calibration_intercept=interval(-1.0, 0.2)), positives=ENOUGH_POSITIVES - 1)
    yield decision_on(few).reason
    yield decision_on(evidence(subgroups=(group(auroc=FALL),))).reason
    yield decision_on(evidence(subgroups=(group(miscalibration=interval(0.5, 0.1)),))).reason
    yield decision_on(evidence(), replace(INCUMBENT, fault="The bundle holds no golden requests.")).reason
    yield decision_on(evidence(), replace(INCUMBENT, provenance="synthetic")).reason
    for metric in ("auroc", "average_precision"):
        for difference in (FALL, {**FALL, "high": 0.1}, BETTER):
            yield decision_on(evidence(**{metric: difference}), TWIN).reason
    for difference in (BETTER, {**BETTER, "low": -0.1}):  # a higher Brier score is worse
        yield decision_on(evidence(brier=difference)).reason
    yield decision_on(evidence(), TWIN).reason
    yield decision_on(evidence()).reason


def header_messages() -> Iterator[str]:
    """Every kind of message about a header."""
    for content in (
        b"",
        b"age,age\n1,2\n",
        b"age,readmission_risk\n1,2\n",
        b"age,time_in_hospitl\n1,2\n",
        b"patient_name,ward\n1,2\n",
        b",,\n1,2,3\n",
        b"age\n",
        b"\x1f\x8bzzzz",
        b"%PDF-1",
        b"age,\0gender\n",
        b'age\n"1\n',
        (",".join(f"c{number}" for number in range(2_000)) + "\n").encode(),
    ):
        try:
            DeliveredFile(content)
        except HeaderError as error:
            yield from (text for _name, text in error.names)
        except FileError as error:
            yield error.message


def outcome_messages() -> Iterator[str]:
    """Every kind of message about a file with outcomes."""
    for text, _line, _message in FAULTS:
        try:
            OutcomeFile(text.encode(), DAY)
        except FileError as error:
            yield error.message


def summaries() -> Iterator[str]:
    """Summaries of all alerts, as Prometheus fills them in."""
    for rule in alerts():
        text = rule["annotations"]["summary"]
        for form, value in (
            ("model_version", "3"),
            ("humanizePercentage", "5.25%"),
            ("humanizeDuration", "1d 2h 0m 0s"),
            (r"\$value", "3"),
        ):
            text = re.sub(rf"\{{\{{[^}}]*{form}[^}}]*\}}\}}", value, text)
        yield re.sub(r"\{\{.*?\}\}", "api:8000", text)


def warnings() -> Iterator[str]:
    """Values of a record that contradict one another."""
    for record in (
        {"number_diagnoses": 1, "diag_1": "428", "diag_2": "250", "diag_3": "401"},
        {"diag_1": "650", "gender": "Male", "age": "[70-80)"},
        {"diag_1": "600", "gender": "Female"},
        {"diag_1": "770", "age": "[60-70)"},
        {"diabetesMed": "No", "insulin": "Up", "change": "Ch"},
        {"diabetesMed": "Yes", "insulin": "Up", "change": "No"},
    ):
        yield from (text for _field, text in contradictions(record))


@pytest.fixture(autouse=True)
def _spanish(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("messages", "language"):
        monkeypatch.setattr(f"ui.i18n.{module}.current_language", lambda: Language.SPANISH)


@pytest.mark.parametrize(
    "english", sorted({*reasons(), *header_messages(), *outcome_messages(), *warnings(), *summaries()})
)
def test_it_is_in_spanish_without_an_english_word(english: str) -> None:
    spanish = message(english)
    assert spanish != english
    left = re.sub("|".join(sorted(NAMES, key=len, reverse=True)), " ", re.sub(r"«[^»]*»|/docs|\bNo\b", " ", spanish))
    assert not ENGLISH.search(left), spanish


def test_numbers_have_the_notation_of_the_language() -> None:
    english = "AUROC is better: +0.01000 (+0.00400 to +0.01600)"
    assert message(english) == "AUROC es mejor: +0,01000 (+0,00400 a +0,01600)"


def test_a_message_within_a_message_is_translated_and_an_unknown_one_stays() -> None:
    assert message("the bundle is not sound: model.onnx does not match its checksum in the manifest.") == (
        "sus archivos no son correctos: model.onnx no coincide con su suma de comprobación del manifiesto."
    )
    assert message("something else") == "something else"


def test_in_english_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "current_language", lambda: Language.ENGLISH)
    assert message("the first version") == "the first version"
