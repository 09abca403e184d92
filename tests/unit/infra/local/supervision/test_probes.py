"""Free ports: never the same one twice, and none that a program holds."""

import socket

import pytest

from infra.local.supervision import probes


def test_a_port_is_returned_once() -> None:
    ports = [probes.free_port() for _ in range(300)]

    assert len(set(ports)) == len(ports)


def test_a_port_that_a_program_listens_on_is_not_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as program:
        program.bind(("127.0.0.1", 0))
        program.listen()
        taken = program.getsockname()[1]
        monkeypatch.setattr(probes, "_PORTS", range(taken, taken + 1))

        with pytest.raises(OSError, match=f"No port from {taken} to {taken} is free"):
            probes.free_port()
