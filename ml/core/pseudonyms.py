"""What is written down in place of a person: of patients, of their encounters, and of who asked.

A pseudonym is the HMAC-SHA256 of a number under the key of this installation. The same number has the same pseudonym
for as long as the key lives, so an outcome finds its prediction; without the key nobody finds the number, not even by
trying all of them. Light, so that the API has it.
"""

import hmac
from functools import lru_cache
from typing import Final, Literal, Protocol

from pydantic import SecretStr

from ml.schema import ENCOUNTER_ID, PATIENT_ID

Mode = Literal["hash", "plain", "none"]
HEX_DIGITS: Final = 32
"""128 bits: two of a billion numbers have the same pseudonym with a chance of 1 in 10^21."""

_CLIENTS: Final = 4_096
"""Addresses whose pseudonym is remembered: a request must not pay for it each time."""


class Naming(Protocol):
    """The settings that pseudonyms depend on."""

    @property
    def prediction_log_key(self) -> SecretStr:
        """The key of this installation."""

    @property
    def log_patient_ids(self) -> Mode:
        """How numbers are kept."""


class Pseudonyms:
    """Makes pseudonyms. Safe to call from several threads."""

    def __init__(self, key: bytes, mode: Mode) -> None:
        self._key = key
        self._mode = mode
        self.client = lru_cache(_CLIENTS)(self._client)

    @classmethod
    def from_settings(cls, settings: Naming) -> "Pseudonyms":
        """As the settings say."""
        return cls(settings.prediction_log_key.get_secret_value().encode(), settings.log_patient_ids)

    @property
    def logs_encounters(self) -> bool:
        """Whether the log says which encounter a prediction was for."""
        return self._mode != "none"

    def patient(self, number: int | None) -> str | None:
        """What the log keeps of a patient's number."""
        return self._kept(PATIENT_ID, number)

    def encounter(self, number: int | None) -> str | None:
        """What the log keeps of an encounter's number."""
        return self._kept(ENCOUNTER_ID, number)

    def _client(self, address: str) -> str:
        # Whatever the mode: it speaks of patients, and an address may be that of a person.
        return f"address:{self._hash('client', address)[:16]}"

    def _kept(self, name: str, number: int | None) -> str | None:
        if number is None or self._mode == "none":
            return None
        return str(number) if self._mode == "plain" else self._hash(name, str(number))

    def _hash(self, name: str, value: str) -> str:
        # With its name, so that a patient and an encounter of the same number have nothing in common.
        return hmac.digest(self._key, f"{name}:{value}".encode(), "sha256").hex()[:HEX_DIGITS]
