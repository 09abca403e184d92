"""Load that changes over time, as tables of stages; chosen by ``LOAD_SHAPE``, else -u, -r and -t count."""

from typing import ClassVar, Final, NamedTuple

from locust import LoadTestShape


class Stage(NamedTuple):
    """A part of a load test."""

    until: int  # seconds since the start
    users: int
    spawn_rate: float  # users per second


class StagedShape(LoadTestShape):
    """Goes through its table of stages, then ends the test."""

    abstract = True
    stages: ClassVar[tuple[Stage, ...]]

    def tick(self) -> tuple[int, float] | None:
        """Users and spawn rate of the present stage; None after the last."""
        elapsed = self.get_run_time()
        stage = next((stage for stage in self.stages if elapsed < stage.until), None)
        return (stage.users, stage.spawn_rate) if stage else None


class RampShape(StagedShape):
    """Step by step upwards: at which load do response times leave the floor?"""

    stages = (
        Stage(60, 10, 5),
        Stage(120, 50, 10),
        Stage(180, 100, 10),
        Stage(240, 200, 20),
        Stage(300, 400, 40),
        Stage(330, 10, 50),
    )


class SpikeShape(StagedShape):
    """A quiet hour, a rush, a quiet hour: are requests lost, and how soon is it as before?"""

    stages = (
        Stage(60, 20, 10),
        Stage(90, 300, 100),
        Stage(180, 20, 100),
    )


class SoakShape(StagedShape):
    """A working day's load for an hour: does memory grow, do connections leak?"""

    stages = (Stage(3600, 50, 5),)


SHAPES: Final[dict[str, type[StagedShape]]] = {"ramp": RampShape, "spike": SpikeShape, "soak": SoakShape}


def shape_named(name: str) -> type[StagedShape]:
    """The shape of a name; ends the program with one sentence when there is none of that name."""
    if name not in SHAPES:
        raise SystemExit(f"LOAD_SHAPE is {name!r}, expected one of {', '.join(SHAPES)}, or nothing for -u, -r and -t.")
    return SHAPES[name]
