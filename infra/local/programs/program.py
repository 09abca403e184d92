"""What the supervisor has to know of one program."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Program:
    """A program of the stack: how it is started, stopped and known to be ready."""

    name: str
    command: list[str]
    is_ready: Callable[[float], bool]
    """Told when the process started (seconds of the epoch), since some answers may stem from an earlier one."""
    ports: Mapping[str, int] = field(default_factory=dict)
    """The ports it listens on, by the setting that moves each."""
    address: str | None = None
    """What a person opens in a browser."""
    environment: Mapping[str, str] = field(default_factory=dict)
    secret_environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that hold a secret: templates such as ``postgresql://u:{airflow_db_password}@h/d``."""
    account: str | None = None
    """The account it runs as, where that is not the present one."""
    directory: str | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    whole_group: bool = True
    """Whether its children are told to stop as well, rather than by it."""
    start_seconds: int = 300
    """How long it may take until it is ready, on a slow and busy machine."""


def installed(*names: str) -> str | None:
    """The first of these programs that this machine has: packages name the same one differently."""
    return next((name for name in names if shutil.which(name)), None)
