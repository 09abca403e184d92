"""Approvals: what is signed verifies, and nothing else does."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.core.errors import UnapprovedError
from ml.core.names import MODEL_NAME, PUBLIC_KEYS
from ml.core.signing.approval import MAX_ENVELOPE, PAYLOAD_TYPE, check_manifest, verify, verify_version
from ml.core.signing.keys import read_public_keys
from tests.support.signing import FOLDER, KEY, approval, new_pair

KEYS = read_public_keys(FOLDER / PUBLIC_KEYS)
DIGEST = "a" * 64


def verified(envelope: str | None, version: str = "7", model: str = MODEL_NAME) -> Any:
    return verify_version(envelope, KEYS, model, version).approval


def changed(envelope: str, **fields: object) -> str:
    return json.dumps(json.loads(envelope) | fields)


def test_an_approval_names_version_files_time_and_person() -> None:
    found = verified(approval("7", DIGEST, actor="Ada", sequence=12))

    assert (found.model, found.version, found.manifest_sha256) == (MODEL_NAME, "7", DIGEST)
    assert (found.sequence, found.actor, found.action) == (12, "Ada", "promoted")
    assert found.approved_time.isoformat() == "2026-01-02T03:04:05+00:00"


def test_a_version_without_an_approval_is_refused_with_the_command_to_run() -> None:
    with pytest.raises(UnapprovedError) as refused:
        verified(None)

    assert str(refused.value) == "version 7 was never approved by the gate: run `python -m ml promote 7`"


def test_the_approval_of_another_version_or_model_is_refused() -> None:
    with pytest.raises(UnapprovedError, match=r"^version 7 has the approval of version 6 of diabetes-readmission: run"):
        verified(approval("6", DIGEST))
    with pytest.raises(UnapprovedError, match=r"^version 7 has the approval of version 7 of another-model: run"):
        verified(approval("7", DIGEST, model="another-model"))
    with pytest.raises(UnapprovedError):
        verified(approval("7", DIGEST), model="another-model")


def test_other_files_are_refused() -> None:
    found = verify_version(approval("7", DIGEST), KEYS, MODEL_NAME, "7")
    check_manifest(found, DIGEST)

    with pytest.raises(
        UnapprovedError, match=r"^version 7 has other files than the gate approved: restore them, or run"
    ):
        check_manifest(found, "b" * 64)


def test_another_key_is_refused_also_under_the_id_of_a_known_one(tmp_path: Path) -> None:
    foreign = new_pair(tmp_path)
    envelope = approval("7", DIGEST, foreign)
    with pytest.raises(UnapprovedError, match="is not valid, no key of this platform signed it: run"):
        verified(envelope)

    signatures = [{**json.loads(envelope)["signatures"][0], "keyid": KEY.id}]
    with pytest.raises(UnapprovedError, match="is not valid, its signature is not valid: run"):
        verified(changed(envelope, signatures=signatures))


def test_a_changed_payload_or_purpose_is_refused() -> None:
    envelope = approval("6", DIGEST)
    payload = base64.b64decode(json.loads(envelope)["payload"]).replace(b'"version":"6"', b'"version":"7"')
    with pytest.raises(UnapprovedError, match="its signature is not valid"):
        verified(changed(envelope, payload=base64.b64encode(payload).decode()))
    with pytest.raises(UnapprovedError, match="it was signed for another purpose"):
        verified(changed(envelope, payloadType="text/plain"), "6")


def test_a_signature_of_the_bare_payload_is_refused() -> None:
    """A key that signs other things as well must not thereby approve a model."""
    payload = base64.b64decode(json.loads(approval("7", DIGEST))["payload"])
    signature = {"keyid": KEY.id, "sig": base64.b64encode(KEY.private.sign(payload)).decode()}
    document = {"payload": base64.b64encode(payload).decode(), "payloadType": PAYLOAD_TYPE, "signatures": [signature]}

    with pytest.raises(UnapprovedError, match="its signature is not valid"):
        verified(json.dumps(document))


def test_an_endless_envelope_is_not_parsed() -> None:
    with pytest.raises(ValueError, match="it has more than 8192 characters"):
        verify("[" * (MAX_ENVELOPE + 1), KEYS)


@given(
    st.text(max_size=300) | st.recursive(st.none() | st.text(), lambda c: st.dictionaries(st.text(), c)).map(json.dumps)
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="it is no signed envelope"):
        verify(text, KEYS)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_changed_byte_gives_another_approval(position: int, difference: int) -> None:
    envelope = approval("7", DIGEST, sequence=5)
    place = position % len(envelope)
    character = chr(ord(envelope[place]) ^ difference % 128)
    mutated = envelope[:place] + character + envelope[place + 1 :]
    try:
        found = verify(mutated, KEYS)
    except ValueError:
        return
    assert found.approval == verify(envelope, KEYS).approval
