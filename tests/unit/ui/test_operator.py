import pytest

from ui.operator import is_valid_key


def test_the_right_key_is_right() -> None:
    assert is_valid_key("llave de año", "llave de año")


@pytest.mark.parametrize("given", ["", "secret", "secret-key ", "Secret-key", "ключ"])
def test_any_other_is_not(given: str) -> None:
    assert not is_valid_key(given, "secret-key")


def test_while_no_key_is_set_none_is_right() -> None:
    assert not is_valid_key("", "")
