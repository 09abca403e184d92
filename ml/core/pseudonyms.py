"""Pseudonyms of patients, encounters and clients for the prediction log.

A pseudonym is the HMAC-SHA256 of an identifier in the form of :mod:`ml.schema.identifiers` with the key of the
installation. It is stable as long as the key is, so an outcome can be matched with its prediction; without the key a
number cannot be found even by trying all numbers.
"""

import hmac
from functools import lru_cache
from typing import Final, Literal, Protocol

from pydantic import SecretStr

from ml.schema import ENCOUNTER_ID, PATIENT_ID

Mode = Literal["hash", "plain", "none"]
HEX_DIGITS: Final = 32
"""128 bits: among a billion numbers a collision has a probability of about 1 in 10^21."""

_CACHED_CLIENTS: Final = 4_096


class PseudonymSettings(Protocol):
    """Settings that pseudonyms depend on."""

    @property
    def prediction_log_key(self) -> SecretStr: ...  # noqa: D102
    @property
    def log_patient_ids(self) -> Mode: ...  # noqa: D102


class Pseudonyms:
    """Computes pseudonyms; thread-safe."""

    def __init__(self, key: bytes, mode: Mode) -> None:
        self._keyed = hmac.new(key, digestmod="sha256")  # a copy costs half of a new one
        self._mode = mode
        self.client = lru_cache(_CACHED_CLIENTS)(self._client)

    @classmethod
    def from_settings(cls, settings: PseudonymSettings) -> "Pseudonyms":
        """Use the key and mode of the settings."""
        return cls(settings.prediction_log_key.get_secret_value().encode(), settings.log_patient_ids)

    @property
    def logs_encounters(self) -> bool:
        """Whether logged predictions can be matched by encounter."""
        return self._mode != "none"

    def patient(self, identifier: int | str | None) -> str | None:
        """Value to log for a patient's identifier."""
        return self._pseudonym(PATIENT_ID, identifier)

    def encounter(self, identifier: int | str | None) -> str | None:
        """Value to log for an encounter's identifier."""
        return self._pseudonym(ENCOUNTER_ID, identifier)

    def _client(self, address: str) -> str:
        # Independent of the mode, which is about patients: an address can identify a person.
        return f"address:{self._hash('client', address)[:16]}"

    def _pseudonym(self, name: str, identifier: int | str | None) -> str | None:
        if identifier is None or self._mode == "none":
            return None
        return str(identifier) if self._mode == "plain" else self._hash(name, str(identifier))

    def _hash(self, name: str, value: str) -> str:
        # The name is hashed too: a patient and an encounter of the same name get unrelated pseudonyms.
        keyed = self._keyed.copy()
        keyed.update(f"{name}:{value}".encode())
        return keyed.hexdigest()[:HEX_DIGITS]
