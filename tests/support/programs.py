"""Programs that the tests run where this machine has them, and must have in CI."""

import os

import pytest

from infra.local.programs.program import installed


def required(*names: str, package: str) -> str:
    """The first of these names that is a program here; without one the test is skipped, in CI it fails."""
    found = installed(*names)
    if found is None:
        message = f"{names[0]} is not on this machine: install it (Debian: apt install {package})"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found
