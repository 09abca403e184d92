"""Installation from the lock, with a real uv: the index of UV_DEFAULT_INDEX takes the place of the public one."""

import base64
import hashlib
import os
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
UV = shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".local" / "uv" / "bin"))
DEAD_PROXY = "http://127.0.0.1:9"
WHEEL = "tiny-1.0-py3-none-any.whl"
PROJECT = """\
[project]
name = "project"
version = "0"
requires-python = ">=3.11"

[dependency-groups]
dev = ["tiny"]

[tool.uv]
package = false
"""
LOCK = """\
version = 1
requires-python = ">=3.11"

[[package]]
name = "project"
version = "0"
source = {{ virtual = "." }}

[package.dev-dependencies]
dev = [{{ name = "tiny" }}]

[package.metadata]

[package.metadata.requires-dev]
dev = [{{ name = "tiny" }}]

[[package]]
name = "tiny"
version = "1.0"
source = {{ registry = "https://index.invalid/simple" }}
wheels = [{{ url = "https://files.invalid/{wheel}", hash = "sha256:{digest}", size = 1000 }}]
"""

pytestmark = pytest.mark.skipif(UV is None, reason="uv is not installed: make env")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """An HTTP server of the files of a folder; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(params=["the index has the files", "another server has the files"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of an index. It links to the wheel beside its page, or at a mirror that serves only files."""
    page, files = tmp_path / "index" / "simple" / "tiny", tmp_path / "files"
    page.mkdir(parents=True)
    files.mkdir()
    build_wheel(files / WHEEL)
    with serving(tmp_path / "index") as address, serving(files) as mirror:
        link = f"{mirror}/{WHEEL}"
        if request.param == "the index has the files":
            link = WHEEL
            shutil.copy(files / WHEEL, page)
        (page / "index.html").write_text(f'<a href="{link}">{WHEEL}</a>')
        yield f"{address}/simple"


def build_wheel(path: Path) -> None:
    files = {
        "tiny.py": b"",
        "tiny-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n"
        for name, data in files.items()
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**files, "tiny-1.0.dist-info/RECORD": record.encode()}.items():
            archive.writestr(name, data)


def install(tmp_path: Path, digest: str, index: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "uv.lock").write_text(LOCK.format(wheel=WHEEL, digest=digest))
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), DEAD_PROXY)
    variables = {
        "UV": str(UV),
        "UV_DEFAULT_INDEX": index,
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "UV_HTTP_RETRIES": "0",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "VIRTUAL_ENV"))}
    environment = inherited | proxies | variables | {"NO_PROXY": "127.0.0.1", "UV_NO_CONFIG": "1"}
    command = ["sh", str(ROOT / "infra" / "install.sh")]
    return subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_locked_file_comes_from_the_given_index(tmp_path: Path, index: str) -> None:
    digest = hashlib.sha256((tmp_path / "files" / WHEEL).read_bytes()).hexdigest()
    done = install(tmp_path, digest, index)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / ".venv").rglob("tiny.py"))


def test_another_file_of_the_same_name_is_refused(tmp_path: Path, index: str) -> None:
    done = install(tmp_path, "0" * 64, index)
    assert done.returncode != 0
    assert "ash mismatch" in done.stderr


def test_without_an_index_the_addresses_of_the_lock_are_used(tmp_path: Path) -> None:
    done = install(tmp_path, "0" * 64, "")
    assert done.returncode != 0
    assert "files.invalid" in done.stderr
