"""Availability that decides by what it knew a while ago, as a mask kept in memory would make it."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from services.availability.handlers import reserving

if TYPE_CHECKING:
    from tests.simulation.world import World


@contextmanager
def stale_teams(world: Callable[[], "World | None"]) -> Generator[None]:
    """While this lasts, the team that a request is decided by is at times the one that was read before."""
    fresh = reserving.team
    kept: dict[str, Any] = {}

    async def team(on: Any, calendar: Any, **given: Any) -> Any:
        present = world()
        known = kept.get(calendar.id)
        if known is not None and present is not None and _forgets_to_look(present):
            return known
        found = await fresh(on, calendar, **given)
        kept[calendar.id] = found
        return found

    reserving.team = team
    try:
        yield
    finally:
        reserving.team = fresh


def _forgets_to_look(world: "World") -> bool:
    return world.lot.stream("memory").happens(world.weather.stale, "stale team")
