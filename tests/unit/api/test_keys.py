"""API keys: made, read, found."""

import subprocess
import sys

import pytest

from api.keys import Keys, digest_of
from ml.core.errors import SettingsError


def make(name: str) -> tuple[str, str]:
    """A key and its entry, from the command line."""
    done = subprocess.run(
        [sys.executable, "-m", "api.keys", "new", name], capture_output=True, text=True, check=True, timeout=60
    )
    key, entry = (line.strip() for line in done.stdout.splitlines() if line.startswith("  "))
    return key, entry


def test_a_new_key_opens_the_service_and_is_not_in_its_settings() -> None:
    (first, first_entry), (second, second_entry) = make("ward-7"), make("load.test_1")

    keys = Keys.parse(f"{first_entry}, {second_entry}")

    assert (keys.holder_of(first), keys.holder_of(second)) == ("ward-7", "load.test_1")
    assert first not in first_entry
    assert len(first) == 43


def test_what_is_no_key_is_nobodys() -> None:
    keys = Keys.parse(f"a:{digest_of('secret')}")

    for given in ("", "Secret", "secret ", digest_of("secret"), "ß" * 9, "\udcff"):
        assert keys.holder_of(given) is None


def test_without_keys_the_service_is_open() -> None:
    assert not Keys.parse("")
    assert not Keys.parse(" , ")
    assert Keys.parse("").holder_of("") is None


@pytest.mark.parametrize(
    "text", ["secret", "a:secret", f"a:{'0' * 63}", f":{'0' * 64}", f"a b:{'0' * 64}", f"a:{'0' * 64},a:{'1' * 64}"]
)
def test_malformed_keys_are_told_in_one_sentence_that_repeats_nothing(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^Setting API_KEYS has a malformed value: its entry [12] is not") as told:
        Keys.parse(text)

    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("arguments", [[], ["new"], ["new", "a:b"], ["old", "a"]])
def test_the_command_line_says_how_it_is_used(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "api.keys", *arguments], capture_output=True, text=True, check=False, timeout=60
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: python -m api.keys new NAME")
