"""The workload as it lies in the store: the ten hosts of the peer case, repeated, one calendar that all serve in."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.availability.domain.hosts import Host, Reservation
from services.availability.domain.rules import MemberSchedule, Weekly
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.zones import instant_of
from services.availability.routes.slots import Asked
from services.availability.store.kept import Kept
from tests.unit.availability.cases import peer_case
from turnus_contracts import CalendarMember, Event
from turnus_runtime.forms import loaded, stored_form
from turnus_runtime.ids import RandomIds
from turnus_runtime.mongo import documents
from turnus_runtime.records import Record
from turnus_runtime.settings import Settings
from turnus_runtime.turn import Turn

WORKSPACE = "ws_" + "0" * 26
SETTINGS = Settings()
BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Workload:
    """One calendar and everybody who serves in it. `expected`: the epoch minutes that the peer's own code offers."""

    calendar: ServedCalendar
    hosts: Sequence[Host]
    schedules: Sequence[MemberSchedule]
    first: date
    last: date
    now: datetime
    expected: Sequence[int]

    @property
    def asked(self) -> Asked:
        """The question: 60 days of everybody."""
        return Asked(self.calendar.id, self.first, self.last, self.calendar.tz, None, None, None)

    @property
    def records(self) -> Sequence[Record]:
        """All of it."""
        return [self.calendar, *self.hosts, *self.schedules]


def workload(size: int) -> Workload:
    """`size` hosts with 120 busy stretches each; 30 minutes every 15, buffers of 10."""
    rules, ten, first, last, expected = peer_case("rr10")
    ids = RandomIds()
    members = [ids.fresh("mem") for _ in range(size)]
    calendar = ServedCalendar(
        id=ids.fresh("cal"),
        workspace_id=WORKSPACE,
        version=1,
        status="active",
        calendar_kind="round_robin",
        address=f"bench/slots-{size}",
        tz=rules.tz,
        duration_minutes=rules.duration,
        interval_minutes=rules.interval,
        anchor=rules.anchor,
        buffer_before_minutes=rules.buffer_before,
        buffer_after_minutes=rules.buffer_after,
        notice_minutes=rules.notice_minutes,
        members=tuple(CalendarMember(member_id=one, weight=1) for one in members),
    )
    hosts, schedules = list[Host](), list[MemberSchedule]()
    for i, member_id in enumerate(members):
        one = ten[i % len(ten)]
        held = [
            Reservation(start=start, end=end, booking_id=ids.fresh("bk"), attempt=1, settled=True)
            for start, end, _ in one.busy
        ]
        hosts.append(Host(id=member_id, rules_version=1, reservations=tuple(held)))
        schedules.append(
            MemberSchedule(
                id=ids.fresh("sch"),
                workspace_id=WORKSPACE,
                member_id=member_id,
                version=1,
                name="Hours",
                tz=one.schedule.tz,
                default=True,
                weekly=tuple(
                    Weekly(days=tuple(sorted(w.days)), start=w.start_minute, end=w.end_minute)
                    for w in one.schedule.weekly
                ),
                created_at=BEFORE,
                changed_at=BEFORE,
            )
        )
    now = instant_of(expected[0]) - timedelta(days=1)
    return Workload(calendar, hosts, schedules, first, last, now, expected if size % len(ten) == 0 else ())


class StoredBytes:
    """A shelf over documents as the driver hands them over: what is measured on it is all of ours, and no driver."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._documents: dict[tuple[str, str], tuple[int, bytes]] = {}
        self._keys: dict[tuple[str, str], dict[str, str]] = {}
        self._sorted: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for record in records:
            self.write(record, 1)

    def write(self, record: Record, version: int) -> None:
        """Put it there at this version."""
        stored, name = stored_form(record, version), record.collection
        self._documents[name, record.id] = version, bytes(documents.write(stored, version).body.raw)
        for index in record.indexes:
            keys, found = self._keys.setdefault((name, index), {}), stored.keys.get(index)
            if keys.get(record.id) != found:
                self._sorted.pop((name, index), None)
                keys.pop(record.id, None)
                keys |= {record.id: str(found)} if found is not None else {}

    async def get(self, kind: type[Any], id: str) -> Any:
        found = self._documents.get((kind.collection, id))
        return None if found is None else loaded(kind, documents.read(found[1]))

    async def versions(self, kind: type[Record], ids: Sequence[str]) -> Mapping[str, int]:
        there, name = self._documents, kind.collection
        return {one: there[name, one][0] for one in ids if (name, one) in there}

    async def find(self, kind: type[Any], index: str, low: Any, high: Any, *, limit: int, reverse: bool) -> list[Any]:
        place = kind.collection, index
        if place not in self._sorted:
            self._sorted[place] = sorted((key, one) for one, key in self._keys.get(place, {}).items())
        keys = self._sorted[place]
        found = keys[bisect_left(keys, (str(low), "")) : bisect_left(keys, (str(high), ""))][:limit]
        return [await self.get(kind, one) for _, one in found]

    async def decide(self, kind: type[Any], id: str, decision: Any) -> Any:
        raise AssertionError("nothing is decided here")

    async def say(self, events: Sequence[Event]) -> None:
        raise AssertionError("nothing is said here")


def turn(shelf: Any, now: datetime, kept: Kept) -> Turn:
    """A turn of a request for slots."""
    nothing: Any = None
    return Turn(now, shelf, nothing, nothing, nothing, SETTINGS, kept)
