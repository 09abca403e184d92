"""Binary tensor data, an extension of the Open Inference Protocol: bytes after the JSON hold the values of tensors.

https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from api.protocols.tables import invalid_body

HEADER: Final = "Inference-Header-Content-Length"
"""Header with the length of the JSON; without it the whole body is JSON."""

TEXT: Final = "BYTES"
_LENGTH_BYTES: Final = 4
_FORMATS: Final = {
    **{f"INT{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"UINT{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    **{f"FP{8 * size}": f"<f{size}" for size in (2, 4, 8)},
}
NUMBERS: Final = tuple(_FORMATS)
"""Datatypes of numbers."""


def split_body(body: bytes, header: bytes | None) -> tuple[bytes, memoryview]:
    """The JSON of a body and the bytes after it, given the value of :data:`HEADER`.

    Raises:
        InvalidRecordsError: the header is not a length, or longer than the body.
    """
    if header is None:
        return body, memoryview(b"")
    text = header.decode("latin-1").strip()
    length = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
    if not 0 < length <= len(body):
        hint = "; this model needs JSON that names the inputs" if length == 0 else ""
        message = f"{HEADER} must be the length of the JSON, from 1 to {len(body)}; '{text[:20]}' is not{hint}"
        raise invalid_body(None, message)
    return body[:length], memoryview(body)[length:]


def decode(name: str, datatype: str, count: int, data: memoryview) -> list[Any]:
    """The `count` values of an input.

    Raises:
        InvalidRecordsError: the bytes are not so many values of the datatype.
    """
    if datatype == TEXT:
        return _texts(name, count, data)
    values = np.dtype(_FORMATS[datatype])
    if len(data) != count * values.itemsize:
        expected = f"{count} values of {datatype} are {count * values.itemsize} bytes"
        raise invalid_body(name, f"input '{name}' has {len(data)} bytes of binary data; {expected}")
    decoded: list[Any] = np.frombuffer(data, values).tolist()
    return decoded


def encode(datatype: str, values: Sequence[Any]) -> bytes:
    """The bytes of an output's values."""
    if datatype == TEXT:
        texts = [str(value).encode() for value in values]
        return b"".join([len(text).to_bytes(_LENGTH_BYTES, "little") + text for text in texts])
    return np.asarray(values, _FORMATS[datatype]).tobytes()


def _texts(name: str, count: int, data: memoryview) -> list[str]:
    """Texts, each after its length in four bytes."""
    texts: list[str] = []
    start = 0
    while start < len(data):
        if len(texts) == count:
            raise invalid_body(name, f"input '{name}' has more bytes of binary data than its {count} values")
        end = start + _LENGTH_BYTES
        length = int.from_bytes(data[start:end], "little")
        if end + length > len(data):
            place = f"value {len(texts)} of input '{name}' begins at byte {start}"
            raise invalid_body(name, f"{place} and ends past the {len(data)} bytes of the input's binary data")
        try:
            texts.append(str(data[end : end + length], "utf-8"))
        except UnicodeDecodeError:
            raise invalid_body(name, f"value {len(texts)} of input '{name}' is not UTF-8 text") from None
        start = end + length
    if len(texts) < count:
        raise invalid_body(name, f"input '{name}' has {len(texts)} values of binary data; its shape has {count}")
    return texts
