"""How an error is told, by the address: as a problem document, or as the protocol of the address has it."""

from typing import Any, Final

PROBLEM_JSON: Final = "application/problem+json"
_JSON: Final = "application/json"

MLFLOW_PATHS: Final = frozenset({"/invocations", "/ping", "/version"})
_MLFLOW_CODES: Final = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "ENDPOINT_NOT_FOUND",
    429: "REQUEST_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}
_INFERENCE: Final = "/v2"


def format_error(path: str, problem: dict[str, Any]) -> tuple[int, dict[str, Any], str]:
    """An error in the words of the protocol that the address belongs to.

    Args:
        path: where the request went.
        problem: the error as a problem document.

    Returns:
        Status, document, media type. Neither protocol knows 422: what is wrong with a request is a 400 there.
    """
    status: int = problem["status"]
    theirs = 400 if status == 422 else status
    if path in MLFLOW_PATHS:
        return theirs, {"error_code": _MLFLOW_CODES.get(theirs, "BAD_REQUEST"), "message": problem["detail"]}, _JSON
    if path == _INFERENCE or path.startswith(f"{_INFERENCE}/"):
        return theirs, {"error": problem["detail"]}, _JSON
    return status, problem, PROBLEM_JSON
