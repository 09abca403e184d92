import pytest

from ui.operator import is_valid_key


def test_the_same_key_is_valid() -> None:
    assert is_valid_key("llave de año", "llave de año")


@pytest.mark.parametrize("given", ["", "secret", "secret-key ", "Secret-key", "ключ"])
def test_other_keys_are_invalid(given: str) -> None:
    assert not is_valid_key(given, "secret-key")


def test_an_empty_key_is_never_valid() -> None:
    assert not is_valid_key("", "")
