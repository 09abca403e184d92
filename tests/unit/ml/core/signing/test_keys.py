"""The key pair: files, ids, rotation and its end."""

import stat
from pathlib import Path

import pytest

from ml.core.errors import SettingsError
from ml.core.names import PUBLIC_KEYS, SIGNING_KEY
from ml.core.signing.keys import complete_pair, read_public_keys, read_signing_key, retire_former_keys, rotate
from tests.support.signing import new_pair


def test_a_rotation_makes_a_new_pair_and_keeps_the_former_public_key(tmp_path: Path) -> None:
    former = new_pair(tmp_path)

    new = rotate(tmp_path / SIGNING_KEY, tmp_path / PUBLIC_KEYS)

    assert new.id != former.id
    assert read_signing_key(tmp_path / SIGNING_KEY).id == new.id
    assert list(read_public_keys(tmp_path / PUBLIC_KEYS)) == [new.id, former.id]
    assert stat.S_IMODE((tmp_path / SIGNING_KEY).stat().st_mode) == 0o400
    assert not complete_pair(tmp_path), "the next start changes nothing"
    assert {path.name for path in tmp_path.iterdir()} == {SIGNING_KEY, PUBLIC_KEYS}


def test_former_keys_are_removed_at_the_end_of_a_rotation(tmp_path: Path) -> None:
    former = new_pair(tmp_path)
    new = rotate(tmp_path / SIGNING_KEY, tmp_path / PUBLIC_KEYS)

    assert retire_former_keys(tmp_path / PUBLIC_KEYS) == [former.id]
    assert list(read_public_keys(tmp_path / PUBLIC_KEYS)) == [new.id]
    assert retire_former_keys(tmp_path / PUBLIC_KEYS) == []


@pytest.mark.parametrize("content", ["", "\n", "zz", "ab" * 31, "ab" * 32 + "\nab", "\N{SNOWMAN}"])
def test_a_file_without_keys_is_reported_in_one_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / PUBLIC_KEYS).write_text(content)

    with pytest.raises(SettingsError, match=r"holds no keys of 64 hex digits, one a line: restore it\.$") as reported:
        read_public_keys(tmp_path / PUBLIC_KEYS)
    assert "\n" not in str(reported.value)


def test_a_missing_file_is_reported_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"model_public_keys, cannot be read .* or set MODEL_PUBLIC_KEYS_FILE\.$"):
        read_public_keys(tmp_path / PUBLIC_KEYS)
    with pytest.raises(SettingsError, match=r"model_signing_key, cannot be read .* or set MODEL_SIGNING_KEY_FILE\.$"):
        read_signing_key(tmp_path / SIGNING_KEY)
