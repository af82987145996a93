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
        weather = present.weather if present is not None else None
        if known is not None and weather is not None and weather.raging and weather.happens(weather.stale):
            return known
        found = await fresh(on, calendar, **given)
        kept[calendar.id] = found
        return found

    reserving.team = team
    try:
        yield
    finally:
        reserving.team = fresh
