"""Checks that ``.env`` means the same to Docker Compose and to the native stack."""

from pathlib import Path

from dotenv.parser import Binding, parse_stream

from infra.local.errors import StackError


def check_dotenv(file: Path) -> None:
    """Refuse values that Docker Compose reads otherwise than this stack: it replaces ``$word`` by a variable.

    Raises:
        StackError: naming the first such line and how to write it.
    """
    if not file.exists():
        return
    with file.open() as stream:
        for binding in parse_stream(stream):
            if remedy := _remedy(binding):
                name = binding.key or "a value"
                raise StackError(f"Line {binding.original.line} of {file.name}, {name}: {remedy}.")


def _remedy(binding: Binding) -> str | None:
    if binding.error:
        return "write NAME=value, and a value with quotes or spaces in single quotes"
    value = binding.value or ""
    written = binding.original.string.partition("=")[2].strip()
    quote = written[:1] if written[:1] in ("'", '"') else ""
    if "$" in value and quote != "'":
        return f"a value with $ needs single quotes, {binding.key}='…', or Docker Compose replaces a part of it"
    if "${" in value:
        return "Docker Compose and this stack read ${ differently: choose a value without it"
    if written.startswith("#") and not value:
        return "Docker Compose reads a comment behind = as the value: write it on a line of its own"
    if quote and "\\" in written:
        return "Docker Compose and this stack read \\ in quotes differently: leave out the quotes or the \\"
    return None
