"""Generation, parsing and lookup of API keys."""

import subprocess
import sys

import pytest

from api.keys import ApiKeys, hash_key
from ml.core.errors import SettingsError


def generate(name: str) -> tuple[str, str]:
    """A key and its entry for API_KEYS, from the command line."""
    done = subprocess.run(
        [sys.executable, "-m", "api.keys", "new", name], capture_output=True, text=True, check=True, timeout=60
    )
    key, entry = (line.strip() for line in done.stdout.splitlines() if line.startswith("  "))
    return key, entry


def test_a_generated_key_is_valid_and_not_part_of_its_entry() -> None:
    (first, first_entry), (second, second_entry) = generate("ward-7"), generate("admission.test_1")

    keys = ApiKeys.parse(f"{first_entry}, {second_entry}")

    assert (keys.owner_of(first), keys.owner_of(second)) == ("ward-7", "admission.test_1")
    assert first not in first_entry
    assert len(first) == 43


def test_invalid_keys_have_no_owner() -> None:
    keys = ApiKeys.parse(f"a:{hash_key('secret')}")

    for key in ("", "Secret", "secret ", hash_key("secret"), "ß" * 9, "\udcff"):
        assert keys.owner_of(key) is None


def test_without_keys_the_service_is_open() -> None:
    assert not ApiKeys.parse("")
    assert not ApiKeys.parse(" , ")
    assert ApiKeys.parse("").owner_of("") is None


@pytest.mark.parametrize(
    "text", ["secret", "a:secret", f"a:{'0' * 63}", f":{'0' * 64}", f"a b:{'0' * 64}", f"a:{'0' * 64},a:{'1' * 64}"]
)
def test_the_error_of_malformed_keys_does_not_quote_them(text: str) -> None:
    with pytest.raises(
        SettingsError, match=r"^Setting API_KEYS has a malformed value: its entry [12] is not"
    ) as caught:
        ApiKeys.parse(text)

    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("arguments", [[], ["new"], ["new", "a:b"], ["old", "a"]])
def test_invalid_arguments_print_the_usage(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "api.keys", *arguments], capture_output=True, text=True, check=False, timeout=60
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: python -m api.keys new NAME")
