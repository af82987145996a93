"""Load and fairness of a team calendar: who has how much to do, and who got which part of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.web.domain.staff import SeenDraft, SeenEntry, SeenRotation

MOST_SHOWN = 8
"""Members of a calendar that are shown."""
BY_WEIGHT = ("equal", "totals")
"""Rules under which everybody gets a part that follows their weight."""


@dataclass(frozen=True, slots=True)
class MemberLoad:
    """`coming`: appointments of the next days; `served`: those of the month; `share` of all of the month, `target` the
    part that their weight says: None if there is none.
    """

    member_id: str
    coming: int
    served: int
    share: float | None
    target: float | None


@dataclass(frozen=True, slots=True)
class TeamLoad:
    """A calendar with its busiest members; `more` are not shown. `coming` and `served` are sums over all of them."""

    calendar_id: str
    name: str
    members: tuple[MemberLoad, ...]
    more: int
    coming: int
    served: int

    @property
    def by_weight(self) -> bool:
        """Whether everybody has a part to aim at."""
        return any(one.target is not None for one in self.members)

    @property
    def busiest(self) -> int:
        """The most that anybody has to do; at least 1, so that it can measure."""
        return max((one.coming for one in self.members), default=0) or 1


def coming_by_host(entries: Iterable[SeenEntry], start: datetime, end: datetime) -> Counter[tuple[str, str]]:
    """How many confirmed bookings begin in [start, end), by calendar and host."""
    return Counter(
        (one.calendar_id, one.host.id)
        for one in entries
        if one.host is not None and one.status == "confirmed" and start <= one.start < end
    )


def team_load(
    calendar: SeenDraft,
    rotation: SeenRotation,
    coming: Mapping[tuple[str, str], int],
    month: str,
    only: str | None = None,
) -> TeamLoad:
    """The load of a calendar in the next days and in `month` (`2027-01`), the busiest members first.

    With `only`, the load of this member: who sees no bookings but their own cannot tell what others have to do.
    """
    served = {one.member_id: one.served.get(month, 0) for one in rotation.members}
    weights, turns = sum(one.weight for one in rotation.members), sum(served.values())
    by_weight = rotation.optimize in BY_WEIGHT
    rows = [
        MemberLoad(
            member_id=one.member_id,
            coming=coming.get((calendar.id, one.member_id), 0),
            served=served[one.member_id],
            share=served[one.member_id] / turns if turns else None,
            target=one.weight / weights if by_weight else None,
        )
        for one in rotation.members
        if only in (None, one.member_id)
    ]
    shown = sorted(rows, key=lambda one: (-one.coming, -one.served))[:MOST_SHOWN]
    return TeamLoad(
        calendar_id=calendar.id,
        name=calendar.name,
        members=tuple(shown),
        more=len(rows) - len(shown),
        coming=sum(one.coming for one in rows),
        served=sum(one.served for one in rows),
    )


def undelivered(settled: Sequence[datetime | None], since: datetime) -> int:
    """How many of these mails were given up since then."""
    return sum(at is not None and at >= since for at in settled)
