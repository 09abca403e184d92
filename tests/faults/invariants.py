"""What is true of the platform after every fault."""

import hashlib
import re
from collections import Counter
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np

from ml.core.bundle import MANIFEST_FILE, load_bundle
from ml.core.names import MODEL_NAME, PUBLIC_KEYS
from ml.core.signing.approval import TAG, verify
from ml.core.signing.keys import read_public_keys
from tests.faults.platform import CORRECTED, ROWS, Platform
from tests.faults.traffic import Traffic
from tests.faults.watching import served
from tests.integration.api.bundles import RECORDS
from tests.integration.api.conftest import eventually
from tests.support.signing import FOLDER

MOVED = """
    SELECT version FROM gate_decisions
    WHERE action IN ('promoted', 'rolled_back', 'alias_moved_by_hand') AND completed_at IS NOT NULL
    ORDER BY id DESC LIMIT 1
"""
"""The version that the last decision put into production."""
TWICE = """
    SELECT version, count(*) FROM gate_decisions
    WHERE action IN ('promoted', 'refused') AND rule <> 'restored' AND completed_at IS NOT NULL
    GROUP BY 1 HAVING count(*) > 1
    UNION ALL
    SELECT coalesce(idempotency_key, actor), count(*) FROM gate_decisions
    WHERE action = 'rolled_back' AND completed_at IS NOT NULL GROUP BY 1 HAVING count(*) > 1
"""
"""Versions that the gate decided on twice, and rollbacks that were done twice: each has an actor of its own."""
BY_HAND = "SELECT id, reason FROM gate_decisions WHERE action = 'alias_moved_by_hand'"
ALIASES = "SELECT version FROM registered_model_aliases WHERE alias = 'production'"
SAME_RUN = "SELECT run_id, count(*) FROM model_versions GROUP BY 1 HAVING count(*) > 1"
SAME_TRAINING = """
    SELECT value, count(*) FROM model_version_tags WHERE key = 'fingerprint' GROUP BY 1 HAVING count(*) > 1
"""
COUNTER = re.compile(r"^(\w+_(?:total|count|bucket)(?:\{.*\})?) (\S+)$", re.M)


class Invariants:
    """Checks them, and remembers what must not change."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._keys = read_public_keys(FOLDER / PUBLIC_KEYS)
        self._acknowledged: set[str] = set()
        self._counters: dict[str, float] = {}
        self._process = 0
        self.risks = cache(self._risks)

    def check(self, traffic: Traffic) -> None:
        """One production version: the last decision's, approved, served; answers, counters, outcomes as they were."""
        database = self._platform.database
        versions = [str(version) for (version,) in database.rows(ALIASES, "mlflowdb")]
        assert versions == database.column(MOVED)
        assert database.rows(TWICE) == []
        assert database.rows(BY_HAND) == []
        assert database.rows(SAME_RUN, "mlflowdb") == []
        assert database.rows(SAME_TRAINING, "mlflowdb") == []
        eventually(lambda: served(self._platform.api) == versions[0])
        self._check_approval(versions[0])
        self.check_counters()
        self._check_answers(traffic)
        self._check_outcomes(traffic)

    def check_counters(self) -> None:
        """No counter of the same process has fallen."""
        api = self._platform.api
        now = {name: float(value) for name, value in COUNTER.findall(api.client.get("/metrics").text)}
        before = self._counters if self._process == api.process.pid else {}
        fallen = {name: (value, now.get(name)) for name, value in before.items() if now.get(name, -1) < value}
        self._counters, self._process = now, api.process.pid
        assert fallen == {}

    def _check_approval(self, version: str) -> None:
        """The gate signed exactly these files."""
        query = {"name": MODEL_NAME, "version": version}
        answer = httpx.get(f"{self._platform.mlflow.url}/api/2.0/mlflow/model-versions/get", params=query).json()
        tags = {tag["key"]: tag["value"] for tag in answer["model_version"]["tags"]}
        approval = verify(tags[TAG], self._keys).approval
        manifest = (self._files_of(version) / MANIFEST_FILE).read_bytes()
        assert (approval.version, approval.manifest_sha256) == (version, hashlib.sha256(manifest).hexdigest())

    def _check_answers(self, traffic: Traffic) -> None:
        """Every answer is that of an approved version, to the digit."""
        decided = set(self._platform.database.column("SELECT version FROM gate_decisions WHERE approval IS NOT NULL"))
        assert {version for version, _, _ in traffic.answers} <= decided
        wrong = [each for each in traffic.answers if not np.isclose(each[2], self.risks(each[0])[each[1]], atol=1e-6)]
        assert wrong == []

    def _check_outcomes(self, traffic: Traffic) -> None:
        """What was acknowledged is stored, once; what was not is stored once at most."""
        self._acknowledged |= traffic.acknowledged
        stored = Counter(self._platform.database.column("SELECT request_id FROM outcomes"))
        assert self._acknowledged - stored.keys() == set()
        assert {request for request, times in stored.items() if times > 1} == set()

    def _risks(self, version: str) -> list[float]:
        """The answers of a version, without the service."""
        found: list[float] = load_bundle(self._files_of(version)).predict(RECORDS).tolist()
        return found

    def _files_of(self, version: str) -> Path:
        query = {"name": MODEL_NAME, "version": version}
        address = f"{self._platform.mlflow.url}/api/2.0/mlflow/model-versions/get-download-uri"
        uri = urlsplit(httpx.get(address, params=query).json()["artifact_uri"])
        return self._platform.mlflow.artifacts / str(uri.path).lstrip("/")


def check_data(platform: Platform) -> None:
    """The newest delivery is loaded once and split, with its correction."""
    database = platform.database
    header, line = (platform.data.read_bytes().decode().split("\r\n")[number] for number in (0, platform.deliveries))
    delivered = dict(zip(header.split(","), line.split(","), strict=True))
    value = f"SELECT {CORRECTED} FROM raw_data WHERE encounter_id = {delivered['encounter_id']}"  # noqa: S608
    assert database.column(value) == [int(delivered[CORRECTED])]
    assert database.column("SELECT count(*) FROM raw_data") == [ROWS]
    assert database.rows("SELECT content_sha256 FROM ingestions GROUP BY 1 HAVING count(*) > 1") == []
    assert database.column("SELECT data_version IS NULL FROM ingestions ORDER BY id DESC LIMIT 1") == [False]
