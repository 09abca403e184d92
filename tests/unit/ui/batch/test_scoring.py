"""A file on its way through the API, in parts."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support import csv_api
from ui.batch import scoring
from ui.batch.csv_file import CsvFile
from ui.batch.scoring import LINE, PART_ROWS, Scores, ScoringJob, Stage
from ui.clients.errors import Busy, InvalidResponse, NoModelYet, Rejected, ServerError
from ui.clients.file_scoring import KNOWN, RISK, ScoringClient

GOOD, BAD = "[60-70),1", "[60-70),many"
Handler = Callable[[httpx.Request], httpx.Response]


def client(answer: Handler | None = None) -> ScoringClient:
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
    job = scoring_of(lines, **more)
    job.run(client().score)
    return job


def test_every_row_gets_its_risk_in_the_order_of_the_file() -> None:
    job = scored([f"[60-70),{stays % 40}" for stays in range(2_500)])
    assert job.stage is Stage.DONE
    assert (job.done, job.versions) == (2_500, {"3"})
    assert job.table[LINE].tolist() == list(range(2, 2_502))
    assert job.table[RISK].tolist() == [(1 + stays % 40) / 100 for stays in range(2_500)]
    assert job.table[KNOWN].eq(2).all()


def test_a_file_is_sent_in_parts_each_with_the_header() -> None:
    sent: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return httpx.Response(200, content=csv_api.answer(request.content)[1])

    scoring_of([GOOD] * (2 * PART_ROWS + 1)).run(client(answer).score)
    assert [part.count(b"\n") - 1 for part in sent] == [PART_ROWS, PART_ROWS, 1]
    assert all(part.startswith(b"age,number_inpatient\n") for part in sent)


def test_an_error_in_a_later_part_has_the_line_of_the_file() -> None:
    job = scored([GOOD] * 1_500 + [BAD] + [GOOD] * 10)
    assert [(fault.line, fault.field, fault.value) for fault in job.errors] == [(1_502, "number_inpatient", "many")]
    assert job.invalid_lines == {1_502}
    assert len(job.table) == 1_510
    assert 1_502 not in job.table[LINE].tolist()


@pytest.mark.parametrize("every", [1, 2, 7, 100])
def test_every_invalid_line_is_found_although_the_api_lists_only_the_first(every: int) -> None:
    lines = [BAD if number % every == 0 else GOOD for number in range(3_000)]
    job = scored(lines)
    assert job.invalid_lines == {number + 2 for number in range(0, 3_000, every)}
    assert sorted(job.invalid_lines) == [fault.line for fault in job.errors]
    assert len(job.table) + len(job.invalid_lines) == job.done == 3_000


def test_all_errors_of_a_line_are_found_when_the_list_is_full() -> None:
    job = scored(["old,many"] * 15)
    assert [(fault.line, fault.field) for fault in job.errors] == [
        (line, field) for line in range(2, 17) for field in ("age", "number_inpatient")
    ]


def test_a_wrong_number_of_values_is_an_error_of_the_line() -> None:
    job = scored([GOOD, "[60-70)", GOOD])
    assert [(fault.line, fault.field) for fault in job.errors] == [(3, None)]
    assert "1 values, the header names 2" in job.errors[0].message


def test_a_line_too_long_for_the_api_does_not_hide_later_errors() -> None:
    assert scored([GOOD, "x" * 20_000, GOOD, BAD]).invalid_lines == {3, 5}


def test_a_job_with_too_many_invalid_lines_is_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "MAX_INVALID_LINES", 50)
    job = scored([BAD] * 3_000)
    assert job.is_aborted
    assert job.done < 100
    assert job.table.empty


def test_a_wrong_header_fails_the_job() -> None:
    job = scored([GOOD] * 3_000, header="age,inpatients")
    assert job.stage is Stage.FAILED
    assert isinstance(job.failure, Rejected)
    assert [fault.field for fault in job.failure.errors] == ["inpatients"]


def test_cancelling_stops_after_the_current_part() -> None:
    job = scoring_of([GOOD] * 5_000)

    def score(lines: bytes, rows: int) -> Scores:
        job.cancel()
        return client().score(lines, rows)

    job.run(score)
    assert (job.stage, job.done) == (Stage.CANCELLED, PART_ROWS)
    assert job.table.empty


def test_a_job_cancelled_while_waiting_never_starts() -> None:
    job = scoring_of([GOOD])
    job.cancel()
    job.run(client(lambda _: pytest.fail("the API was called")).score)
    assert job.stage is Stage.CANCELLED


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_api_is_retried_once_after_its_delay(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, waited = [0], list[float]()

    def answer(request: httpx.Request) -> httpx.Response:
        calls[0] += 1
        if calls[0] == 1:
            problem = {"type": "urn:readmission:problem:overloaded", "detail": "As many as it takes."}
            return httpx.Response(status, json=problem, headers={"Retry-After": "7"})
        return httpx.Response(200, content=csv_api.answer(request.content)[1])

    job = scoring_of([GOOD])
    monkeypatch.setattr(job._stop, "wait", waited.append)
    job.run(client(answer).score)
    assert (job.stage, waited, calls) == (Stage.DONE, [7], [2])


def test_an_api_that_stays_busy_fails_the_job() -> None:
    job = scoring_of([GOOD])
    job.run(client(lambda _: httpx.Response(429, headers={"Retry-After": "1"})).score)
    assert isinstance(job.failure, Busy)


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
def test_the_failure_is_recorded(answer: httpx.Response, expected: type[Exception]) -> None:
    job = scoring_of([GOOD])
    job.run(client(lambda _: answer).score)
    assert job.stage is Stage.FAILED
    assert isinstance(job.failure, expected)


def test_an_unexpected_exception_fails_the_job() -> None:
    def broken(lines: bytes, rows: int) -> Scores:
        raise ZeroDivisionError

    job = scoring_of([GOOD])
    with pytest.raises(ZeroDivisionError):
        job.run(broken)
    assert (job.stage, job.failure) == (Stage.FAILED, None)


def test_the_remaining_time_is_unknown_before_the_first_part() -> None:
    job = scoring_of([GOOD] * 2_000)
    assert job.seconds_left is None
    seen: list[float | None] = []

    def score(lines: bytes, rows: int) -> Scores:
        seen.append(job.seconds_left)
        return client().score(lines, rows)

    job.run(score)
    assert seen[0] is None
    assert seen[1] is not None
    assert seen[1] > 0
