"""Load shapes: stages of users over time, chosen by ``LOAD_SHAPE``; without it, -u, -r and -t apply."""

from typing import ClassVar, Final

from locust import LoadTestShape

Stage = tuple[int, int, float]
"""End in seconds since the start, users, users spawned per second."""


class StagedShape(LoadTestShape):
    """Runs through its stages, then ends the test."""

    abstract = True
    stages: ClassVar[tuple[Stage, ...]]

    def tick(self) -> tuple[int, float] | None:
        """Users and spawn rate of the current stage; None after the last."""
        elapsed = self.get_run_time()
        return next(((users, spawn_rate) for end, users, spawn_rate in self.stages if elapsed < end), None)


class RampShape(StagedShape):
    """Increases the load in steps, to find where response times rise."""

    stages = ((60, 10, 5), (120, 50, 10), (180, 100, 10), (240, 200, 20), (300, 400, 40), (330, 10, 50))


class SpikeShape(StagedShape):
    """A short spike, to find lost requests and the time to recover."""

    stages = ((60, 20, 10), (90, 300, 100), (180, 20, 100))


class SoakShape(StagedShape):
    """A constant load for an hour, to find leaks of memory and connections."""

    stages = ((3600, 50, 5),)


SHAPES: Final[dict[str, type[StagedShape]]] = {"ramp": RampShape, "spike": SpikeShape, "soak": SoakShape}


def shape_by_name(name: str) -> type[StagedShape]:
    """The shape of a name; exits with a message if there is none."""
    if name not in SHAPES:
        raise SystemExit(f"LOAD_SHAPE is {name!r}, expected one of {', '.join(SHAPES)}, or nothing for -u, -r and -t.")
    return SHAPES[name]
