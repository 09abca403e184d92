"""Secrets in a backup."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.backup.encryption import OWN_PASSWORDS, decrypt, encrypt, fingerprints
from infra.backup.errors import BackupError
from infra.secrets.generate import SECRETS

NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1)


@settings(max_examples=5, deadline=None)  # the key derivation is slow on purpose
@given(secrets=st.dictionaries(NAMES, st.text()), passphrase=st.text(min_size=1))
def test_what_was_encrypted_is_decrypted_with_the_same_passphrase_only(
    secrets: dict[str, str], passphrase: str
) -> None:
    content = encrypt(secrets, passphrase, "20260101T000000Z")

    assert decrypt(content, passphrase, "20260101T000000Z") == secrets
    with pytest.raises(BackupError, match="BACKUP_PASSPHRASE"):
        decrypt(content, passphrase + "x", "20260101T000000Z")
    with pytest.raises(BackupError, match="BACKUP_PASSPHRASE"):
        decrypt(content, passphrase, "20260101T000001Z")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", json.dumps({"salt": "x"}).encode()])
def test_a_file_that_is_no_encrypted_text_is_named(content: bytes) -> None:
    with pytest.raises(BackupError, match="cannot be read"):
        decrypt(content, "passphrase", "20260101T000000Z")


def test_passwords_of_servers_are_generated_secrets_and_have_no_fingerprint() -> None:
    assert set(SECRETS) >= OWN_PASSWORDS
    found = fingerprints({name: f"value of {name}" for name in SECRETS})
    assert found.keys() == SECRETS.keys() - OWN_PASSWORDS
    assert not any("value" in text for text in found.values())
