"""The key pair of the tests, and approvals that it signs for versions that passed no gate."""

import atexit
import hashlib
import itertools
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from infra.secrets.generate import SECRETS
from ml.core.names import MODEL_NAME, PUBLIC_KEYS, SIGNING_KEY
from ml.core.signing.approval import TAG, Approval, sign
from ml.core.signing.keys import SigningKey, complete_pair, read_signing_key

if TYPE_CHECKING:
    from ml.registry.client import Registry  # a test that needs no registry does without the imports of MLflow

SEQUENCE = itertools.count(1)


def new_pair(folder: Path) -> SigningKey:
    """A key pair in the files of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SIGNING_KEY).write_text(SECRETS[SIGNING_KEY]())
    complete_pair(folder)
    return read_signing_key(folder / SIGNING_KEY)


FOLDER = Path(tempfile.mkdtemp(prefix="signing-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
KEY = new_pair(FOLDER)
VARIABLES = {
    "MODEL_SIGNING_KEY_FILE": str(FOLDER / SIGNING_KEY),
    "MODEL_PUBLIC_KEYS_FILE": str(FOLDER / PUBLIC_KEYS),
}
"""Settings of every program that a test starts."""


def approval(version: str, manifest_sha256: str, key: SigningKey = KEY, **changes: object) -> str:
    """The envelope of a version; each has a higher sequence than the one before."""
    fields: dict[str, object] = {
        "model": MODEL_NAME,
        "version": version,
        "manifest_sha256": manifest_sha256,
        "sequence": next(SEQUENCE),
        "approved_at": "2026-01-02T03:04:05+00:00",
        "action": "promoted",
        "actor": "the tests",
    }
    return sign(Approval.model_validate(fields | changes), key)


def approve_folder(version: str, bundle: Path, key: SigningKey = KEY) -> str:
    """The envelope of a version with the files of a folder."""
    return approval(version, hashlib.sha256((bundle / "manifest.json").read_bytes()).hexdigest(), key)


def approve(registry: "Registry", number: str, key: SigningKey = KEY) -> None:
    """Give a registered version an approval of its present files, as the gate does."""
    with registry.download(number) as bundle:
        registry.set_tags(number, {TAG: approve_folder(number, bundle, key)})
