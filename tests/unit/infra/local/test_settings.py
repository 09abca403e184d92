from pathlib import Path

from infra.local.settings import StackPaths


def test_the_socket_is_in_a_private_folder_when_its_path_is_too_long(tmp_path: Path) -> None:
    paths = StackPaths(tmp_path / ("long" * 30))
    assert len(str(paths.socket)) < 90
    assert paths.socket.parent.stat().st_mode & 0o077 == 0
    paths.socket.parent.rmdir()
