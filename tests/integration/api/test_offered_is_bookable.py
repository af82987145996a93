"""What is offered can be booked, nothing else can, and `why` knows the reason: random calendars, real servers."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.integration.api.conftest import Api, Office, office

pytestmark = pytest.mark.asyncio(loop_scope="session")
WORLDS, TRIES = 12, 42
ZONES = ("Europe/Berlin", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Asia/Beirut")
FOCUSES = (date(2027, 2, 20), date(2027, 3, 1), date(2027, 3, 13), date(2027, 3, 27), date(2027, 4, 3))
"""The first days on which guests ask: the day on which the clock begins, a plain one, and such before clock changes of
New York, of Berlin and Beirut, and of Lord Howe.
"""
SPAN = 3
OF_BOOKINGS = {"BOOKED", "BUFFER", "LIMIT"}
"""What speaks against a start because others have booked."""


@dataclass
class World:
    """One to three members who share two calendars. `seen` counts what was met."""

    api: Api
    office: Office
    rng: Random
    focus: date
    members: list[str]
    calendars: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    seen: Counter[str] = field(default_factory=Counter[str])
    taken: list[datetime] = field(default_factory=list[datetime])
    guests: int = 0

    async def visit(self) -> None:
        """Somebody looks at the times of three days, asks why, and books."""
        rng = self.rng
        calendar = rng.choice(self.calendars)
        day = self.focus + timedelta(days=rng.randrange(SPAN) if rng.random() < 0.95 else rng.choice((-40, 40, 80)))
        zone = rng.choice((calendar["tz"], rng.choice(ZONES)))
        start: datetime | None = None
        while True:
            listed = await self._listed(calendar, day, zone)
            start = start or self._drawn(calendar, sorted(listed), day)
            against = await self._against(calendar, start)
            # The minute may end in between, or something be given back: then the two were not of one moment.
            if await self._listed(calendar, day, zone) == listed:
                break
        told = {host for host, codes in against.items() if not codes}
        if calendar["anchor"] == "gapless":  # more can be booked than the list shows at the moment
            assert listed.get(start, set()) <= told, (calendar, start, listed.get(start), against)
        else:
            assert listed.get(start, set()) == told, (calendar, start, listed.get(start), against)
        self.seen.update({code for codes in against.values() for code in codes})
        await self._book(calendar, start, against, listed=start in listed)

    async def _book(
        self, calendar: dict[str, Any], start: datetime, against: Mapping[str, set[str]], *, listed: bool
    ) -> None:
        by_staff = self.rng.random() < 0.2
        if by_staff:
            against = {host: codes - {"LOOK_BUSY"} for host, codes in against.items()}
        more: dict[str, Any] = {}
        if calendar["guest_chooses_host"] and not by_staff and self.rng.random() < 0.4:
            more = {"host_id": self.rng.choice(list(against))}
            against = {more["host_id"]: against[more["host_id"]]}
        self.guests += 1
        guest = {"name": f"Guest {self.guests}", "email": f"guest{self.guests}@example.org"}
        body = {"calendar": calendar["address"], "start": start.isoformat(), "tz": "Europe/Berlin", "guest": guest}
        headers = {"Prefer": "wait=30", **(self.office.staff if by_staff else {})}
        answer = await self.api.send("POST", "/bookings", {**body, **more}, headers)
        told = (calendar, start, against, answer.text)
        if all(against.values()):
            assert (answer.status_code, answer.json()["code"] in {"slot_not_offered", "slot_taken"}) == (409, True), (
                told
            )
            taken = any(codes <= OF_BOOKINGS for codes in against.values())
            assert taken or answer.json()["code"] == "slot_not_offered", told
            self.seen[answer.json()["code"]] += 1
            return
        assert (answer.status_code, answer.json()["status"]) == (201, "confirmed"), told
        assert not against[answer.json()["host"]["id"]], told
        self.taken.append(start)
        self.seen["confirmed"] += 1
        self.seen["by staff"] += by_staff
        self.seen["beside the list"] += not listed

    async def _listed(self, calendar: dict[str, Any], day: date, zone: str) -> dict[datetime, set[str]]:
        """Who is offered at which start around this day."""
        days = {"start": (day - timedelta(days=1)).isoformat(), "end": (day + timedelta(days=1)).isoformat()}
        params = {"calendar": calendar["address"], "tz": zone, "with": "hosts", **days}
        answer = await self.api.send("GET", "/slots", params=params)
        assert answer.status_code == 200, answer.text
        details = answer.json()["details"]
        assert list(details) == [start for starts in answer.json()["days"].values() for start in starts]
        return {datetime.fromisoformat(start): set(told["hosts"]) for start, told in details.items()}

    async def _against(self, calendar: dict[str, Any], start: datetime) -> dict[str, set[str]]:
        """The codes of what speaks against this start, by host."""
        params = {"calendar": calendar["address"], "start": start.isoformat()}
        answer = await self.api.send("GET", "/slots/why", None, self.office.staff, params=params)
        assert answer.status_code == 200, answer.text
        hosts = answer.json()["hosts"]
        assert [one["host_id"] for one in hosts] == [one["member_id"] for one in calendar["members"]]
        assert all(one["offered"] == (not one["reasons"]) for one in hosts)
        return {one["host_id"]: {reason["code"] for reason in one["reasons"]} for one in hosts}

    def _drawn(self, calendar: dict[str, Any], listed: list[datetime], day: date) -> datetime:
        """A start on this day or near it: usually one that is offered, or was, or lies beside one."""
        rng = self.rng
        near = [start for start in self.taken if abs(start.date() - day) < timedelta(days=1)]
        if near and rng.random() < 0.15:
            return rng.choice(near)
        if listed and rng.random() < 0.65:
            beside = rng.random() < 0.15
            return rng.choice(listed) + timedelta(minutes=rng.choice((5, 15, 30)) if beside else 0)
        midnight = datetime.combine(day, datetime.min.time(), ZoneInfo(calendar["tz"])).astimezone(UTC)
        start = midnight + timedelta(minutes=rng.randrange(0, 1440, rng.choice((15, 15, 5, 1))))
        edge = self.api.system.process.clock.now() + timedelta(minutes=calendar["notice_minutes"])
        # What is asked within the same minute may be answered on both sides of now, or of the notice.
        close = any(abs(start - one) < timedelta(minutes=10) for one in (edge, self.api.system.process.clock.now()))
        return start + timedelta(hours=1) if close else start


async def world(api: Api, here: Office, number: int) -> World:
    """Members with schedules, blocks and limits, and two published calendars."""
    rng = Random(f"world {number}")
    focus = FOCUSES[number % len(FOCUSES)]
    zones = [rng.choice(ZONES) for _ in range(rng.choice((1, 2, 3)))]
    members = [await here.member(f"Host{number}-{i}", tz) for i, tz in enumerate(zones)]
    made = World(api, here, rng, focus, members)
    for kind in range(2):
        settings = _settings(rng, focus, rng.choice(zones))
        made.calendars.append(await here.calendar(f"calendar-{number}-{kind}", members, **settings))
    for member_id, tz in zip(members, zones, strict=True):
        await here.made("/schedules", _schedule(rng, member_id, tz, focus))
        if rng.random() < 0.3:
            own = {"default": False, "calendar_ids": [made.calendars[0]["id"]]}
            await here.made("/schedules", _schedule(rng, member_id, rng.choice(ZONES), focus) | own)
        if rng.random() < 0.6:
            await here.made("/blocks", {"member_id": member_id, "items": drawn_blocks(rng, focus)})
        if rng.random() < 0.4:
            limits = {"day": rng.choice((3, 4, 6)), "week": rng.choice((None, 12))}
            await api.call("PUT", f"/limits/{member_id}", limits, here.staff)
    if rng.random() < 0.5:
        await here.made("/blocks", {"calendar_id": made.calendars[1]["id"], "items": drawn_blocks(rng, focus)})
    return made


def _settings(rng: Random, focus: date, tz: str) -> dict[str, Any]:
    last = focus + timedelta(days=SPAN)
    windows: list[dict[str, Any] | None] = [
        *[None, None],
        {"kind": "range", "start": (focus + timedelta(days=1)).isoformat(), "end": last.isoformat()},
        {"kind": "until", "date": (last - timedelta(days=2)).isoformat()},
        {"kind": "rolling", "count": 40, "unit": "days", "counting": rng.choice(("calendar", "available"))},
    ]
    limits = {"day": rng.choice((3, 5)), "week": rng.choice((None, 8)), "month": rng.choice((None, 20))}
    return {
        "tz": tz,
        "duration_minutes": rng.choice((15, 20, 30, 45, 60, 90)),
        "interval_minutes": rng.choice((15, 20, 30, 35, 60)),
        "anchor": rng.choice(("opening", "clock", "gapless")),
        "buffer_before_minutes": rng.choice((0, 0, 5, 15)),
        "buffer_after_minutes": rng.choice((0, 0, 10, 30)),
        "notice_minutes": rng.choice((0, 0, 60, 36 * 60)),
        "window": rng.choice(windows),
        "limits": limits if rng.random() < 0.3 else None,
        "look_busy_percent": rng.choice((0, 0, 20, 50)),
        "guest_chooses_host": rng.random() < 0.5,
    }


def _schedule(rng: Random, member_id: str, tz: str, focus: date) -> dict[str, Any]:
    every_day = {"days": [1, 2, 3, 4, 5, 6, 7]}
    changed, off = rng.sample([(focus + timedelta(days=day)).isoformat() for day in range(SPAN)], 2)
    overrides = [{"date": changed, "ranges": _ranges(rng)}, {"date": off, "ranges": []}]
    return {
        "member_id": member_id,
        "name": "Hours",
        "tz": tz,
        "weekly": [{**every_day, **hours} for hours in _ranges(rng)],
        "overrides": overrides if rng.random() < 0.6 else [],
    }


def _ranges(rng: Random) -> list[dict[str, str]]:
    """One to three ranges, some of which touch or end at midnight."""
    marks = sorted(rng.sample([*range(0, 1440, 60), 185, 550, 845, 1440], rng.choice((2, 3, 4))))
    pairs = [pair for pair in pairwise(marks) if rng.random() < 0.8] or [(540, 1020)]
    return [{"start": _clock(start), "end": _clock(end)} for start, end in pairs]


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def drawn_blocks(rng: Random, focus: date) -> list[dict[str, str]]:
    midnight = datetime.combine(focus, datetime.min.time(), UTC)
    starts = [midnight + timedelta(minutes=rng.randrange(0, SPAN * 1440, 5)) for _ in range(4)]
    lengths = [timedelta(minutes=rng.choice((5, 20, 60, 240))) for _ in starts]
    ranges = zip(starts, lengths, strict=True)
    return [{"start": start.isoformat(), "end": (start + length).isoformat()} for start, length in ranges]


async def test_a_start_is_offered_exactly_if_nothing_speaks_against_it_and_exactly_then_it_can_be_booked(
    api: Api,
) -> None:
    here = await office(api, "drawn")

    async def lived(number: int) -> Counter[str]:
        made = await world(api, here, number)
        for _ in range(TRIES):
            await made.visit()
        return made.seen

    seen = sum(await asyncio.gather(*(lived(number) for number in range(WORLDS))), Counter[str]())
    asked = seen["confirmed"] + seen["slot_not_offered"] + seen["slot_taken"]
    assert asked == WORLDS * TRIES >= 500
    assert min(seen["confirmed"], seen["slot_not_offered"]) > 100, seen
    assert min(seen["slot_taken"], seen["by staff"], seen["beside the list"]) > 0, seen
    every = "PAST NOTICE TOO_EARLY TOO_FAR MEMBER_OFF OUTSIDE_HOURS DURATION OFF_RASTER BOOKED BLOCKED BUFFER LIMIT"
    assert {*every.split(), "LOOK_BUSY"} <= set(seen), seen
