"""gzip of bodies and answers."""

import asyncio
import gzip
import zlib
from collections.abc import Iterable

import hypothesis.strategies as st
import pytest
from hypothesis import given
from starlette.types import Message, Receive, Scope, Send

from api.errors import MalformedBodyError
from api.transport.content_encoding import MIN_BYTES, PIECE_BYTES, CompressionMiddleware, InflatedBody

COMPRESSIBLE = st.binary(max_size=2_000) | st.integers(0, 300_000).map(lambda size: b"a" * size)


def inflate(received: Iterable[bytes]) -> list[bytes]:
    """The pieces of a body that is received in pieces."""
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in received]
    messages.append({"type": "http.request"})

    async def receive() -> Message:
        return messages.pop(0)

    async def read() -> list[bytes]:
        body, pieces = InflatedBody(receive), []
        while True:
            message = await body.receive()
            pieces.append(message["body"])
            if not message["more_body"]:
                return pieces

    return asyncio.run(read())


@given(st.lists(COMPRESSIBLE, min_size=1, max_size=4), st.integers(1, 5_000))
def test_a_body_of_several_members_in_any_pieces_is_inflated(members: list[bytes], size: int) -> None:
    body = b"".join(map(gzip.compress, members))

    pieces = inflate(body[start : start + size] for start in range(0, len(body), size))

    assert b"".join(pieces) == b"".join(members)
    assert max(map(len, pieces)) <= PIECE_BYTES


@given(st.binary(min_size=1, max_size=500), st.data())
def test_an_incomplete_body_is_malformed(content: bytes, data: st.DataObject) -> None:
    body = gzip.compress(content)
    end = data.draw(st.integers(0, len(body) - 1))

    with pytest.raises(MalformedBodyError, match="not complete"):
        inflate([body[:end]])


@given(st.binary(min_size=20, max_size=200).filter(lambda body: not body.startswith(b"\x1f\x8b")))
def test_what_is_not_gzip_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBodyError, match="not gzip"):
        inflate([body])


def test_a_client_that_disconnects_is_reported() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    assert asyncio.run(InflatedBody(receive).receive()) == {"type": "http.disconnect"}


def answer(
    pieces: list[bytes], accepted: bytes | None, content_type: bytes = b"text/csv", length: int | None = None
) -> tuple[dict[bytes, bytes], list[bytes]]:
    """Headers and pieces of an answer, as they are sent."""
    sent: list[Message] = []

    async def app(_: Scope, __: Receive, send: Send) -> None:
        headers = [(b"content-type", content_type)]
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number, piece in enumerate(pieces, 1):
            await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces)})

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "headers": [] if accepted is None else [(b"accept-encoding", accepted)]}
    asyncio.run(CompressionMiddleware(app)(scope, receive, send))
    return dict(sent[0]["headers"]), [message["body"] for message in sent[1:]]


@pytest.mark.parametrize("accepted", [b"gzip", b"br, GZIP;q=0.5", b"deflate,x-gzip", b"gzip;q=1.0"])
def test_a_long_answer_is_compressed_for_those_who_accept_gzip(accepted: bytes) -> None:
    body = b"x" * 100_000

    headers, pieces = answer([body], accepted, length=len(body))

    assert headers[b"content-encoding"] == b"gzip"
    assert headers[b"vary"] == b"accept-encoding"
    assert int(headers[b"content-length"]) == len(pieces[0]) < 1_000
    assert gzip.decompress(pieces[0]) == body


@pytest.mark.parametrize("accepted", [None, b"", b"br", b"gzip;q=0", b"gzip; q=0.0", b"identity", b"gzipped"])
def test_a_long_answer_is_sent_as_it_is_to_others(accepted: bytes | None) -> None:
    headers, pieces = answer([b"x" * 5_000], accepted, length=5_000)

    assert b"content-encoding" not in headers
    assert headers[b"vary"] == b"accept-encoding"
    assert pieces == [b"x" * 5_000]


@pytest.mark.parametrize(("content_type", "length"), [(b"image/png", 5_000), (b"application/json", MIN_BYTES - 1)])
def test_short_answers_and_images_are_sent_as_they_are(content_type: bytes, length: int) -> None:
    headers, _ = answer([b"x" * length], b"gzip", content_type, length)

    assert headers.keys() == {b"content-type", b"content-length"}


@given(st.lists(COMPRESSIBLE, min_size=2, max_size=5))
def test_every_piece_of_a_streamed_answer_can_be_read_when_it_arrives(pieces: list[bytes]) -> None:
    headers, sent = answer(pieces, b"gzip")
    decoder = zlib.decompressobj(31)

    assert b"content-length" not in headers
    assert [decoder.decompress(piece) for piece in sent] == pieces
    assert decoder.eof
