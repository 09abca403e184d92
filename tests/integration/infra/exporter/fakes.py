"""A fake of Airflow's REST API on a real HTTP server; responses have the format of Airflow 3.3.2."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.serving import serving

STATES = ("queued", "running", "success", "failed")
NOW = datetime.now(UTC).replace(microsecond=0)


@dataclass
class FakeAirflow:
    """State of the fake, which tests change, and the paths that were requested."""

    url: str = ""
    password: str = "airflow"
    tokens: list[str] = field(default_factory=list)
    delay: float = 0.0
    triggerer: str | None = "healthy"
    dags: dict[str, bool] = field(default_factory=lambda: {"ingest_diabetes": False, "auto_model_train_diabetes": True})
    runs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    requested: list[str] = field(default_factory=list)

    def add_run(self, dag_id: str, state: str, minutes_ago: int, seconds: int = 30) -> None:
        """Add a run that ended `minutes_ago`."""
        end = NOW - timedelta(minutes=minutes_ago)
        start = end - timedelta(seconds=seconds)
        run = {"state": state, "start_date": start.isoformat(), "end_date": end.isoformat(), "dag_id": dag_id}
        self.runs.setdefault(dag_id, []).append(run)

    def response(self, path: str, query: dict[str, list[str]]) -> Any:
        """The body of the response to a GET; None is 404."""
        if path == "/api/v2/monitor/health":
            return self._health()
        if path == "/api/v2/importErrors":
            return {"import_errors": [], "total_entries": 2}
        if path == "/api/v2/pools":
            return {"pools": [{"queued_slots": 3, "running_slots": 1}, {"queued_slots": 1, "running_slots": 0}]}
        if path == "/api/v2/dags":
            dags = [{"dag_id": name, "is_paused": paused} for name, paused in sorted(self.dags.items())]
            return {"dags": dags, "total_entries": len(dags)}
        if path == "/api/v2/dagStats":
            wanted = [dag_id for dag_id in self.runs if dag_id in query["dag_ids"]]
            return {"dags": [self._stats(dag_id) for dag_id in wanted], "total_entries": len(wanted)}
        if path.endswith("/dagRuns"):
            runs = [run for run in self.runs[path.split("/")[4]] if run["state"] in query["state"]]
            runs.sort(key=lambda run: str(run["end_date"]), reverse=query["order_by"] == ["-end_date"])
            return {"dag_runs": runs[: int(query["limit"][0])], "total_entries": len(runs)}
        return None

    def _health(self) -> dict[str, Any]:
        beat = (datetime.now(UTC) - timedelta(seconds=4)).isoformat()
        started = self.triggerer is not None
        return {
            "metadatabase": {"status": "healthy"},
            "scheduler": {"status": "healthy", "latest_scheduler_heartbeat": beat},
            "triggerer": {"status": self.triggerer, "latest_triggerer_heartbeat": beat if started else None},
            "dag_processor": {"status": "unhealthy", "latest_dag_processor_heartbeat": beat},
        }

    def _stats(self, dag_id: str) -> dict[str, Any]:
        counts = [
            {"state": state, "count": sum(run["state"] == state for run in self.runs[dag_id])} for state in STATES
        ]
        return {"dag_id": dag_id, "dag_display_name": dag_id, "stats": counts}


@contextmanager
def running_airflow() -> Iterator[FakeAirflow]:
    """Run a fake on a free port."""
    fake = FakeAirflow()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            login = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if urlsplit(self.path).path != "/auth/token" or login["password"] != fake.password:
                return self._send(401, {"detail": "Invalid credentials"})
            fake.tokens.append(f"token-{len(fake.tokens)}")
            return self._send(201, {"access_token": fake.tokens[-1]})

        def do_GET(self) -> None:
            time.sleep(fake.delay)
            url = urlsplit(self.path)
            fake.requested.append(url.path)
            token = self.headers.get("Authorization", "")
            if not url.path.startswith("/api/v2/monitor") and token != f"Bearer {(fake.tokens or ['none'])[-1]}":
                return self._send(401, {"detail": "Invalid JWT token"})
            body = fake.response(url.path, parse_qs(url.query))
            return self._send(404 if body is None else 200, body)

        def _send(self, status: int, body: Any) -> None:
            payload = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    with serving(server):
        yield fake
