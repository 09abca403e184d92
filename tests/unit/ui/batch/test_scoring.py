"""A file on its way through the API, in parts."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ml.schema.code_systems import CodeSystem
from tests.support import csv_api
from ui.batch.delivered_file import DeliveredFile
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
    return ScoringJob(DeliveredFile("\n".join([header, *lines, ""]).encode()), "patients.csv")


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
    assert all(part.startswith(b"age,number_inpatient\r\n") for part in sent)


def test_invalid_lines_are_found_before_anything_is_sent_and_grouped() -> None:
    job = scored([GOOD] * 1_500 + [BAD, "old,3"] + [GOOD] * 10 + [BAD])
    stays, age = job.errors

    assert (stays.text, stays.count, stays.lines) == ("many", 2, [1_502, 1_514])
    assert (age.text, age.count, age.lines) == ("old", 1, [1_503])
    assert job.invalid_lines == {1_502, 1_503, 1_514}
    assert (len(job.table), job.done) == (1_510, 1_513)
    assert not {1_502, 1_503, 1_514} & set(job.table[LINE])


def test_a_wrong_number_of_values_is_an_error_of_the_line() -> None:
    (group,) = scored([GOOD, "[60-70)", GOOD]).errors

    assert (group.column, group.lines) == (None, [3])
    assert group.text == "the line has 1 values, the header names 2"


def test_the_api_receives_neither_foreign_columns_nor_other_spellings() -> None:
    sent: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return httpx.Response(200, content=csv_api.answer(request.content)[1])

    scoring_of(["4711;67;2,0"], header="mrn;Age;Number inpatient").run(client(answer).score)
    assert sent == [b"age,number_inpatient\r\n[60-70),2\r\n"]


def test_a_file_without_a_valid_line_is_not_sent() -> None:
    job = scoring_of([BAD] * 3)
    job.run(client(lambda _: pytest.fail("the API was called")).score)
    assert (job.stage, len(job.table), job.done) == (Stage.DONE, 0, 3)


def test_lines_that_only_the_api_refuses_fail_the_job() -> None:
    job = scoring_of([GOOD])
    refused = httpx.Response(422, json={"detail": "Line 2: age is not.", "errors": [], "error_count": 1})
    job.run(client(lambda _: refused).score)
    assert job.stage is Stage.FAILED
    assert isinstance(job.failure, Rejected)


def test_cancelling_stops_after_the_current_part() -> None:
    job = scoring_of([GOOD] * 5_000)

    def score(lines: bytes, rows: int, _is_production: bool, _code_system: CodeSystem, _with_ranges: bool) -> Scores:
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
    def broken(lines: bytes, rows: int, _is_production: bool, _code_system: CodeSystem, _with_ranges: bool) -> Scores:
        raise ZeroDivisionError

    job = scoring_of([GOOD])
    with pytest.raises(ZeroDivisionError):
        job.run(broken)
    assert (job.stage, job.failure) == (Stage.FAILED, None)


def test_the_remaining_time_is_unknown_before_the_first_part() -> None:
    job = scoring_of([GOOD] * 2_000)
    assert job.seconds_left is None
    seen: list[float | None] = []

    def score(lines: bytes, rows: int, _is_production: bool, _code_system: CodeSystem, _with_ranges: bool) -> Scores:
        seen.append(job.seconds_left)
        return client().score(lines, rows)

    job.run(score)
    assert seen[0] is None
    assert seen[1] is not None
    assert seen[1] > 0
