"""The limits for scoring in the event loop."""

import json

from api.scoring.core import INLINE_BYTES, INLINE_RECORDS, is_small
from ml.schema import EXAMPLE_RECORD


def body(records: list[dict[str, object]]) -> bytes:
    return json.dumps({"records": records}).encode()


def test_one_full_record_is_small() -> None:
    assert is_small(body([dict(EXAMPLE_RECORD)]))


def test_many_records_in_a_small_body_are_not_small() -> None:
    many = body([{}] * (INLINE_RECORDS + 1))
    assert len(many) < INLINE_BYTES
    assert not is_small(many)
    assert is_small(body([{}] * INLINE_RECORDS))


def test_a_large_body_is_not_small() -> None:
    assert not is_small(body([dict(EXAMPLE_RECORD)] * 20))
