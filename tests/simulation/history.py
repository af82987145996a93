"""Run one seed: one history, the same on every run."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from tests.simulation import loop
from tests.simulation.chances import Cut
from tests.simulation.coverage import Place
from tests.simulation.quiet import quiet
from tests.simulation.stale import stale_teams
from tests.simulation.world import Violation, World
from turnus_runtime import telemetry


@dataclass(frozen=True)
class History:
    """What became of one seed. `violation` None: every invariant held; `table` what happened, one line each."""

    seed: int
    violation: str | None
    table: str
    digest: str
    steps: int
    cpu_seconds: float
    coverage: Mapping[str, int] = field(default_factory=Counter[str])
    places: Sequence[Place] = ()
    drawn: tuple[str, ...] = ()
    """Names of everything that happened and need not have (see `chances`)."""


def run(
    seed: int, protection_off: Callable[[], AbstractContextManager[Any]] = nullcontext, cut: Cut | None = None
) -> History:
    """Play the history of this seed, or what a cut leaves of it, to its end or to its first violation."""
    began = time.process_time()
    world: World | None = None
    violation: str | None = None

    async def play() -> None:
        nonlocal world
        world = World(seed, cut)
        await world.play()

    with protection_off(), quiet(lambda: world), stale_teams(lambda: world):
        try:
            loop.run(play())
        except Violation as found:
            violation = str(found)
        except loop.Stuck as found:
            violation = str(found)
    for service in ("booking", "availability", "assignment", "notify"):
        telemetry.unwatch(service)
    if world is None:
        raise RuntimeError("the world was never made")
    digest = hashlib.sha256(repr(world.trace).encode()).hexdigest()
    used = time.process_time() - began
    return History(
        seed,
        violation,
        world.table(),
        digest,
        world.steps,
        used,
        world.watch.coverage,
        world.watch.places,
        tuple(world.lot.drawn),
    )
