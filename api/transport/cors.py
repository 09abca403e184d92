"""Cross-origin requests: scripts of web pages with the origins in ``CORS_ORIGINS`` may call the service."""

from typing import Final

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

_REQUEST_HEADERS: Final = ("Authorization", "Content-Encoding", "X-API-Key", "X-Load-Test", "X-Request-ID")
_RESPONSE_HEADERS: Final = ("Content-Disposition", "Retry-After", "WWW-Authenticate", "X-Model-Version", "X-Request-ID")


def install_cors(app: FastAPI, origins: str) -> None:
    """Allow the origins of a list separated by commas; ``*`` allows every origin. Cookies are never used.

    A preflight request is answered without a key, as browsers send none with it.
    """
    allowed = [origin.rstrip("/") for origin in origins.replace(",", " ").split()]
    if not allowed:
        return
    build = app.build_middleware_stack

    def build_with_cors() -> ASGIApp:
        # Outside all other middleware: scripts can read an error of any of them, and an unexpected one.
        return CORSMiddleware(
            build(),
            allow_origins=allowed,
            allow_methods=("GET", "HEAD", "POST"),
            allow_headers=_REQUEST_HEADERS,
            expose_headers=_RESPONSE_HEADERS,
        )

    app.build_middleware_stack = build_with_cors  # type: ignore[method-assign]
