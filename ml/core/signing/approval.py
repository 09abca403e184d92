"""Approvals: the gate's signed statement that a model version, with exactly these files, may serve.

An approval is a DSSE envelope with an Ed25519 signature. What is signed are the bytes of the payload, prefixed by its
type, so that no other signature of the key can pass as an approval. Nothing of a payload is read before its signature
is verified. The manifest names the digests of the other files, so its digest stands for all of them.
"""

import base64
import binascii
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ml.core.errors import UnapprovedError
from ml.core.signing.keys import PublicKeys, SigningKey

TAG: Final = "gate.approval"
"""Tag of a model version that holds its envelope."""
PAYLOAD_TYPE: Final = "application/vnd.readmission-platform.model-approval.v1+json"
MAX_ENVELOPE: Final = 8192
"""Characters. A tag of MLflow may have 100,000, written by anybody."""


class Approval(BaseModel):
    """What the gate signs."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    model: str  # registered name
    version: str
    manifest_sha256: str
    sequence: int = Field(ge=1)  # id of the ledger's entry
    approved_at: str  # ISO 8601, UTC
    action: str  # of the ledger's entry
    actor: str

    @property
    def approved_time(self) -> datetime:
        """``approved_at`` as a time."""
        return datetime.fromisoformat(self.approved_at)


class Verified(BaseModel):
    """An approval whose signature was verified, and the key that signed it."""

    model_config = ConfigDict(frozen=True)

    approval: Approval
    key_id: str
    envelope: str


class _Signature(BaseModel):
    keyid: str
    sig: str


class _Envelope(BaseModel):
    payload: str
    payloadType: str  # noqa: N815  the name in DSSE
    signatures: tuple[_Signature, ...] = Field(min_length=1, max_length=4)


def sign(approval: Approval, key: SigningKey) -> str:
    """The envelope of an approval, as text."""
    payload = approval.model_dump_json().encode()
    signature = _Signature(keyid=key.id, sig=_encode(key.private.sign(_signed_bytes(PAYLOAD_TYPE, payload))))
    envelope = _Envelope(payload=_encode(payload), payloadType=PAYLOAD_TYPE, signatures=(signature,))
    return envelope.model_dump_json()


def verify(envelope: str, keys: PublicKeys) -> Verified:
    """The approval in an envelope.

    Raises:
        ValueError: no valid key signed it, or it is malformed; the message is the reason.
    """
    if len(envelope) > MAX_ENVELOPE:
        raise ValueError(f"it has more than {MAX_ENVELOPE} characters")
    try:
        parsed = _Envelope.model_validate_json(envelope)
        payload = base64.b64decode(parsed.payload, validate=True)
        signatures = [(each.keyid, base64.b64decode(each.sig, validate=True)) for each in parsed.signatures]
    except (ValidationError, binascii.Error, ValueError):
        raise ValueError("it is no signed envelope") from None
    if parsed.payloadType != PAYLOAD_TYPE:
        raise ValueError("it was signed for another purpose")
    signed = _signed_bytes(parsed.payloadType, payload)
    for name, signature in signatures:
        if name in keys and _is_valid(keys, name, signature, signed):
            return Verified(approval=_parsed(payload), key_id=name, envelope=envelope)
    if not any(name in keys for name, _ in signatures):
        raise ValueError("no key of this platform signed it")
    raise ValueError("its signature is not valid")


def verify_version(envelope: str | None, keys: PublicKeys, model: str, version: str) -> Verified:
    """The approval of a version, from its envelope.

    Raises:
        UnapprovedError: it has none, or not a valid one for this version.
    """
    remedy = f"run `python -m ml promote {version}`"
    if envelope is None:
        raise UnapprovedError(f"version {version} was never approved by the gate: {remedy}")
    try:
        verified = verify(envelope, keys)
    except ValueError as error:
        raise UnapprovedError(f"the approval of version {version} is not valid, {error}: {remedy}") from None
    approval = verified.approval
    if (approval.model, approval.version) != (model, version):
        raise UnapprovedError(
            f"version {version} has the approval of version {approval.version} of {approval.model}: {remedy}"
        )
    return verified


def check_manifest(verified: Verified, sha256: str) -> None:
    """Compare the digest of a manifest with the approved one.

    Raises:
        UnapprovedError: they differ.
    """
    approval = verified.approval
    if sha256 != approval.manifest_sha256:
        raise UnapprovedError(
            f"version {approval.version} has other files than the gate approved: restore them, or run "
            "`python -m ml rollback`"
        )


def _signed_bytes(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding of DSSE."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _is_valid(keys: PublicKeys, name: str, signature: bytes, signed: bytes) -> bool:
    try:
        keys[name].verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def _parsed(payload: bytes) -> Approval:
    try:
        return Approval.model_validate_json(payload)
    except ValidationError:
        raise ValueError("another version of the platform signed it") from None


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode()
