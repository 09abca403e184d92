"""A file on its way through the API, in parts."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support import csv_api
from ui.batch import scoring as scoring_module
from ui.batch.csv_file import CsvFile
from ui.batch.scoring import LINE, PART_ROWS, Scores, ScoringJob, Stage
from ui.clients.errors import Busy, InvalidResponse, NoModelYet, Rejected, ServerError
from ui.clients.file_scoring import KNOWN, RISK, ScoringClient

GOOD, BAD = "[60-70),1", "[60-70),many"
Answer = Callable[[httpx.Request], httpx.Response]


def client(answer: Answer | None = None) -> ScoringClient:
    def real(request: httpx.Request) -> httpx.Response:
        status, body = csv_api.answer(request.content)
        headers = {"X-Model-Version": csv_api.VERSION}
        return (
            httpx.Response(status, content=body, headers=headers)
            if isinstance(body, bytes)
            else httpx.Response(status, json=body)
        )

    return ScoringClient("http://api:8000", 5, transport=httpx.MockTransport(answer or real))


def scoring_of(lines: list[str], header: str = "age,number_inpatient") -> ScoringJob:
    return ScoringJob(CsvFile("\n".join([header, *lines, ""]).encode()), "patients.csv")


def scored(lines: list[str], **more: Any) -> ScoringJob:
    found = scoring_of(lines, **more)
    found.run(client().score)
    return found


def test_every_row_gets_its_risk_in_the_order_of_the_file() -> None:
    found = scored([f"[60-70),{stays % 40}" for stays in range(2_500)])
    assert found.stage is Stage.DONE
    assert (found.done, found.versions) == (2_500, {"3"})
    assert found.table[LINE].tolist() == list(range(2, 2_502))
    assert found.table[RISK].tolist() == [(1 + stays % 40) / 100 for stays in range(2_500)]
    assert found.table[KNOWN].eq(2).all()


def test_a_file_is_sent_in_parts_each_with_the_header() -> None:
    sent: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return httpx.Response(200, content=csv_api.answer(request.content)[1])

    scoring_of([GOOD] * (2 * PART_ROWS + 1)).run(client(answer).score)
    assert [part.count(b"\n") - 1 for part in sent] == [PART_ROWS, PART_ROWS, 1]
    assert all(part.startswith(b"age,number_inpatient\n") for part in sent)


def test_the_fault_of_a_later_part_has_the_line_of_the_file() -> None:
    found = scored([GOOD] * 1_500 + [BAD] + [GOOD] * 10)
    assert [(fault.line, fault.field, fault.value) for fault in found.errors] == [(1_502, "number_inpatient", "many")]
    assert found.invalid_lines == {1_502}
    assert len(found.table) == 1_510
    assert 1_502 not in found.table[LINE].tolist()


@pytest.mark.parametrize("every", [1, 2, 7, 100])
def test_every_faulty_line_is_found_though_the_api_names_only_the_first(every: int) -> None:
    lines = [BAD if number % every == 0 else GOOD for number in range(3_000)]
    found = scored(lines)
    assert found.invalid_lines == {number + 2 for number in range(0, 3_000, every)}
    assert sorted(found.invalid_lines) == [fault.line for fault in found.errors]
    assert len(found.table) + len(found.invalid_lines) == found.done == 3_000


def test_all_faults_of_a_line_are_named_also_where_the_answer_was_full() -> None:
    found = scored(["old,many"] * 15)
    assert [(fault.line, fault.field) for fault in found.errors] == [
        (line, field) for line in range(2, 17) for field in ("age", "number_inpatient")
    ]


def test_a_line_of_another_number_of_values_is_a_fault_of_that_line() -> None:
    found = scored([GOOD, "[60-70)", GOOD])
    assert [(fault.line, fault.field) for fault in found.errors] == [(3, None)]
    assert "1 values, the header names 2" in found.errors[0].message


def test_a_line_too_long_for_the_api_does_not_hide_what_is_wrong_after_it() -> None:
    assert scored([GOOD, "x" * 20_000, GOOD, BAD]).invalid_lines == {3, 5}


def test_a_file_that_is_wrong_throughout_is_not_looked_at_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring_module, "MAX_INVALID_LINES", 50)
    found = scored([BAD] * 3_000)
    assert found.is_aborted
    assert found.done < 100
    assert found.table.empty


def test_a_wrong_header_ends_it_at_once() -> None:
    found = scored([GOOD] * 3_000, header="age,inpatients")
    assert found.stage is Stage.FAILED
    assert isinstance(found.failure, Rejected)
    assert [fault.field for fault in found.failure.errors] == ["inpatients"]


def test_cancelling_ends_it_after_the_part_under_way() -> None:
    found = scoring_of([GOOD] * 5_000)

    def score(lines: bytes, rows: int) -> Scores:
        found.cancel()
        return client().score(lines, rows)

    found.run(score)
    assert (found.stage, found.done) == (Stage.CANCELLED, PART_ROWS)
    assert found.table.empty


def test_what_is_cancelled_while_it_waits_never_starts() -> None:
    found = scoring_of([GOOD])
    found.cancel()
    found.run(client(lambda _: pytest.fail("it was asked")).score)
    assert found.stage is Stage.CANCELLED


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_api_is_asked_once_more_after_the_time_it_names(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, waited = [0], list[float]()

    def answer(request: httpx.Request) -> httpx.Response:
        asked[0] += 1
        if asked[0] == 1:
            problem = {"type": "urn:readmission:problem:overloaded", "detail": "As many as it takes."}
            return httpx.Response(status, json=problem, headers={"Retry-After": "7"})
        return httpx.Response(200, content=csv_api.answer(request.content)[1])

    found = scoring_of([GOOD])
    monkeypatch.setattr(found._stop, "wait", waited.append)
    found.run(client(answer).score)
    assert (found.stage, waited, asked) == (Stage.DONE, [7], [2])


def test_an_api_that_stays_busy_ends_it() -> None:
    found = scoring_of([GOOD])
    found.run(client(lambda _: httpx.Response(429, headers={"Retry-After": "1"})).score)
    assert isinstance(found.failure, Busy)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx.Response(503, json={"type": "urn:readmission:problem:no-model", "detail": "none"}), NoModelYet),
        (httpx.Response(413, json={"detail": "too large"}), Rejected),
        (httpx.Response(500), ServerError),
        (httpx.Response(200, content=b"<html>"), InvalidResponse),
        (httpx.Response(200, content=b"age,readmission_risk,known_fields,reliability\r\n"), InvalidResponse),
        (
            httpx.Response(200, content=b"age,readmission_risk,known_fields,reliability\r\n?,high,1,1\r\n"),
            InvalidResponse,
        ),
    ],
)
def test_what_goes_wrong_is_kept(answer: httpx.Response, expected: type[Exception]) -> None:
    found = scoring_of([GOOD])
    found.run(client(lambda _: answer).score)
    assert found.stage is Stage.FAILED
    assert isinstance(found.failure, expected)


def test_a_fault_of_our_own_does_not_leave_anyone_waiting() -> None:
    def broken(lines: bytes, rows: int) -> Scores:
        raise ZeroDivisionError

    found = scoring_of([GOOD])
    with pytest.raises(ZeroDivisionError):
        found.run(broken)
    assert (found.stage, found.failure) == (Stage.FAILED, None)


def test_there_is_no_time_left_to_tell_before_there_is_a_pace() -> None:
    found = scoring_of([GOOD] * 2_000)
    assert found.seconds_left is None
    seen: list[float | None] = []

    def score(lines: bytes, rows: int) -> Scores:
        seen.append(found.seconds_left)
        return client().score(lines, rows)

    found.run(score)
    assert seen[0] is None
    assert seen[1] is not None
    assert seen[1] > 0
