"""MLflow's HTTP contract for the tests of the Model page: versions with tags, runs with metrics, and artifacts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tests.integration.ui.conftest import Platform, ReceivedRequest, Reply

MLFLOW = "/api/2.0/mlflow"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)
PROMOTED = {"gate.decision": "promoted", "gate.rule": "better", "gate.reason": "AUROC is better: +0.004"}
REFUSED = {"gate.decision": "refused", "gate.rule": "worse", "gate.reason": "AUROC is shown to be worse: -0.020"}
METRICS = {"auroc": 0.66, "auroc_low": 0.65, "auroc_high": 0.67, "brier": 0.1, "brier_low": 0.09, "brier_high": 0.11}
ABSENT = 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "not there"}


@dataclass
class FakeRegistry:
    """State of MLflow; tests change it while the app runs."""

    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    params: dict[str, dict[str, str]] = field(default_factory=dict)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    """Sizes that the listing gives in place of the true ones."""
    fetched: list[str] = field(default_factory=list)

    def add(self, number: str, tags: Mapping[str, str] = MappingProxyType({}), run: bool = True) -> None:
        """A version, with a run unless that is gone."""
        known = {
            "algorithm": "RandomForest",
            "data_source": "real",
            "data_version": "5f2c9a7be01d99",
            "code_version": "c1",
        }
        self.versions[number] = known | dict(tags)
        if run:
            self.metrics[number] = dict(METRICS)
            self.params[number] = {"family": "random_forest", "n_estimators": "300", "max_depth": "None"}
            self.files[number] = {
                "report.html": b"<html><head></head><body><script>alert(1)</script><h1>Report</h1></body></html>",
                "model_card.md": b"# Model card: risk\n<!-- Generated -->\n\n## Data\n\nCosts nothing.\n",
                "plots/roc.png": PNG,
                "plots/calibration.png": PNG,
                "plots/drawn.svg": b"<svg/>",
            }

    def answer_on(self, platform: Platform) -> None:
        """Take over the addresses of the registry."""
        platform.more |= {
            ("GET", f"{MLFLOW}/registered-models/get"): self._aliases,
            ("GET", f"{MLFLOW}/model-versions/search"): self._versions,
            ("GET", f"{MLFLOW}/runs/get"): self._run,
            ("GET", f"{MLFLOW}/artifacts/list"): self._list,
            ("GET", "/get-artifact"): self._content,
        }

    def _aliases(self, _request: ReceivedRequest) -> Reply:
        pointing = [{"alias": alias, "version": number} for alias, number in self.aliases.items()]
        return 200, {"registered_model": {"name": "diabetes-readmission", "aliases": pointing}}

    def _versions(self, request: ReceivedRequest) -> Reply:
        assert request.query["filter"] == "name = 'diabetes-readmission'"
        found = [
            {
                "name": "diabetes-readmission",
                "version": number,
                "run_id": f"run-{number}",
                "creation_timestamp": 1_777_860_669_000,
                "tags": [{"key": key, "value": value} for key, value in tags.items()],
            }
            for number, tags in sorted(self.versions.items(), key=lambda one: int(one[0]), reverse=True)
        ]
        return 200, {"model_versions": found}

    def _run(self, request: ReceivedRequest) -> Reply:
        number = request.query["run_id"].removeprefix("run-")
        if number not in self.metrics:
            return ABSENT
        metrics = [{"key": key, "value": value} for key, value in self.metrics[number].items()]
        params = [{"key": key, "value": value} for key, value in self.params[number].items()]
        info = {"run_id": f"run-{number}", "experiment_id": "1"}
        return 200, {"run": {"info": info, "data": {"metrics": metrics, "params": params}}}

    def _list(self, request: ReceivedRequest) -> Reply:
        folder = request.query.get("path", "")
        found: list[dict[str, Any]] = []
        for path, content in self.files.get(request.query["run_id"].removeprefix("run-"), {}).items():
            if path.rpartition("/")[0] == folder:
                found.append({"path": path, "is_dir": False, "file_size": self.sizes.get(path, len(content))})
        return 200, {"files": found}

    def _content(self, request: ReceivedRequest) -> Reply:
        self.fetched.append(request.query["path"])
        content = self.files[request.query["run_id"].removeprefix("run-")].get(request.query["path"])
        return ABSENT if content is None else (200, content)
