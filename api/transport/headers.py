"""Headers of a request as they come, without making an object of all of them: each request asks for several."""

from starlette.types import Scope


def header_of(scope: Scope, name: bytes) -> bytes | None:
    """The first header of a name, which is in lower case; None when there is none."""
    for given, value in scope["headers"]:
        if given == name:
            return bytes(value)
    return None
