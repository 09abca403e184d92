from pathlib import Path

from infra.local.settings import Places


def test_the_socket_is_in_a_private_folder_when_its_path_is_too_long(tmp_path: Path) -> None:
    places = Places(tmp_path / ("long" * 30))
    assert len(str(places.socket)) < 90
    assert places.socket.parent.stat().st_mode & 0o077 == 0
    places.socket.parent.rmdir()
