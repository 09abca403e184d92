"""Verifies that the gate approved a version, and remembers the newest approval that was accepted."""

import json
import logging
from pathlib import Path
from typing import Final

from api.models.registry_client import RegisteredVersion
from ml.core.errors import SettingsError, UnapprovedError
from ml.core.signing.approval import Verified, check_manifest, verify_version
from ml.core.signing.keys import read_public_keys

logger = logging.getLogger(__name__)

_HIGHEST: Final = "approved.json"
APPROVAL_FILE: Final = "approval.json"
"""Envelope of a cached model, beside its files."""


class Approvals:
    """Verifies envelopes with the public keys of a file, which a rotation changes while the service runs.

    ``<cache>/approved.json`` holds the highest accepted sequence by key id. A version whose approval has a lower one
    was replaced by a later decision of the gate, so its alias was moved by hand. It counts by key: a stolen key, which
    could sign any sequence, ends with its rotation.
    """

    def __init__(self, public_keys_file: Path, cache: Path) -> None:
        self._file = public_keys_file
        self._keys = read_public_keys(public_keys_file)
        self._highest = cache / _HIGHEST

    def verify(self, version: RegisteredVersion, envelope: str | None) -> Verified:
        """The approval of a version.

        Raises:
            UnapprovedError: it has none, or not a valid one.
        """
        self._refresh()
        return verify_version(envelope, self._keys, version.name, version.version)

    def verify_cached(self, version: RegisteredVersion, folder: Path, manifest_sha256: str) -> Verified:
        """The approval of a cached model, whose manifest has this digest.

        Raises:
            UnapprovedError: an earlier release cached it, or it is not the approved one.
        """
        try:
            envelope = (folder / APPROVAL_FILE).read_text()
        except (OSError, ValueError):
            raise UnapprovedError(
                f"version {version.version} in the model cache has no approval: it is loaded from MLflow again"
            ) from None
        verified = self.verify(version, envelope)
        check_manifest(verified, manifest_sha256)
        return verified

    def accept(self, verified: Verified) -> bool:
        """Record the sequence of a served approval; returns whether a later one was accepted before."""
        accepted = self._read()
        highest, sequence = accepted.get(verified.key_id, 0), verified.approval.sequence
        if sequence > highest:
            try:
                draft = self._highest.with_suffix(".part")
                draft.parent.mkdir(parents=True, exist_ok=True)
                draft.write_text(json.dumps(accepted | {verified.key_id: sequence}))
                draft.replace(self._highest)
            except OSError as error:
                logger.warning("the sequence of the approval is not recorded: %s", error.strerror)
        return sequence < highest

    def _read(self) -> dict[str, int]:
        try:
            accepted = json.loads(self._highest.read_text())
        except (OSError, ValueError):
            return {}
        accepted = accepted if isinstance(accepted, dict) else {}
        return {name: sequence for name, sequence in accepted.items() if type(sequence) is int}

    def _refresh(self) -> None:
        try:
            self._keys = read_public_keys(self._file)
        except SettingsError as error:
            logger.warning("%s The public keys of before stay in use.", error)


def store_approval(folder: Path, verified: Verified) -> None:
    """Write the envelope beside the files of a model, atomically."""
    draft = folder / f".{APPROVAL_FILE}.part"
    draft.write_text(verified.envelope)
    draft.replace(folder / APPROVAL_FILE)
