"""What is kept in memory answers like the engine, whatever has changed since the last time."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.availability.domain import masks
from services.availability.domain.engine import HostTimes, Team, start_masks
from services.availability.domain.limits import FullPeriod
from services.availability.domain.listing import days_json, to_iso
from services.availability.domain.masks import CHUNK, KEPT_CHUNKS, KeptMasks
from services.availability.domain.rasters import Anchor, SlotRules
from services.availability.domain.schedule import Schedule
from services.availability.domain.zones import DAY, LAST_MINUTE, zone_table

from .cases import Case, changing_zones, draw_case, hours, minute, utc

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "America/Havana", "Africa/Cairo", "UTC")


def by_engine(team: Team, lo: int, hi: int, case: Case) -> tuple[list[int], dict[int, list[str]]]:
    found = start_masks(team, lo, hi, case.now)
    return found.starts(found.union()), found.hosts_by_start()


def check(kept: KeptMasks, team: Team, lo: int, hi: int, case: Case, tz: str) -> int:
    expected, by_start = by_engine(team, lo, hi, case)
    offered = kept.offered(team, lo, hi, case.now)
    assert json.loads(days_json(offered, tz, lo, hi)[0]) == to_iso(expected, tz)
    assert kept.hosts_by_start(team, lo, hi, case.now) == by_start
    return len(expected)


def changed(team: Team, rng: Random, other: Case, near: int) -> Team:
    """Something of a team is another thing now: one host's times, schedule or limits, the calendar's, who serves."""
    hosts = list(team.hosts)
    what = rng.randrange(9)
    if what == 0 or not hosts:
        return replace(team, full=other.team.full)
    i = rng.randrange(len(hosts))
    if what == 1:
        del hosts[i]
    elif what == 2:
        hosts.append(replace(rng.choice(other.hosts), host_id=f"mem_new{rng.random()}"))
    elif what == 3:
        hosts[i] = replace(hosts[i], schedule=rng.choice(other.hosts).schedule)
    elif what == 4:
        hosts[i] = replace(hosts[i], full=rng.choice(other.hosts).full)
    elif what == 5:
        hosts[i] = replace(hosts[i], busy=[*hosts[i].busy, *rng.choice(other.hosts).busy][rng.randrange(3) :])
    elif what == 6 and hosts[i].busy:
        busy = list(hosts[i].busy)
        gone = busy.pop(rng.randrange(len(busy)))
        longer = (gone[0], gone[1] + rng.randrange(DAY), gone[2])
        hosts[i] = replace(hosts[i], busy=[*busy, *([longer] if rng.random() < 0.5 else [])])
    else:
        # What lies beyond the edge of a chunk may reach into it.
        begins = (near // CHUNK + rng.randrange(3)) * CHUNK + rng.randrange(-4 * DAY, DAY)
        ends = begins + rng.randrange(1, rng.choice((60, DAY, 5 * DAY)))
        hosts[i] = replace(hosts[i], busy=[(begins, ends, "booked"), *hosts[i].busy])
    return replace(team, hosts=tuple(hosts))


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.randoms(use_true_random=False))
def test_kept_masks_offer_what_the_engine_offers_after_every_change(rng: Random) -> None:
    number = rng.randrange(10_000)
    case, other = draw_case(rng, number), draw_case(rng, number + len(changing_zones()))
    # Chunks begin at fixed minutes: the range is moved and widened so that it meets one, several and their edges.
    lo = case.lo - rng.randrange(3 * DAY)
    kept, team = KeptMasks(case.rules), replace(case.team, hosts=tuple(case.hosts), seen_by_staff=False)
    for _ in range(6):
        only = None if rng.random() < 0.7 or not team.hosts else (rng.choice(team.hosts).host_id,)
        hi = min(lo + rng.choice((DAY, 5 * DAY, 20 * DAY, 40 * DAY)), LAST_MINUTE)
        check(kept, team.but(only), lo, hi, case, rng.choice(ZONES))
        team = changed(team, rng, other, lo)


def team_of(*schedules: Schedule, busy: Sequence[tuple[int, int, str]] = (), percent: int = 0) -> Team:
    rules = SlotRules(
        tz="Europe/Berlin", duration=30, interval=30, calendar_id="cal_1", look_busy_percent=percent, notice_minutes=0
    )
    hosts = tuple(HostTimes(f"mem_{i}", one, busy if i == 0 else ()) for i, one in enumerate(schedules))
    return Team(rules, hosts)


NOW = utc("2027-01-04T00:00")
LO, HI = minute("2027-01-04T00:00Z"), minute("2027-02-08T00:00Z")
WORKS = Schedule("Europe/Berlin", hours("09:00-17:00"))


def test_only_what_has_changed_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    real = masks.host_mask

    def counted(rules: SlotRules, host: HostTimes, *rest: Any, **more: Any) -> int:
        made.append(host.host_id)
        return real(rules, host, *rest, **more)

    monkeypatch.setattr(masks, "host_mask", counted)
    team = team_of(*[WORKS] * 50)
    kept = KeptMasks(team.rules)
    chunks = -(-HI // CHUNK) - LO // CHUNK
    kept.offered(team, LO, HI, NOW)
    assert len(made) == 50 * chunks
    made.clear()
    kept.offered(team, LO, HI, NOW + timedelta(minutes=7))
    assert made == []
    booked = replace(team.hosts[7], busy=[(LO + 600, LO + 660, "booked")])
    team = replace(team, hosts=(*team.hosts[:7], booked, *team.hosts[8:]))
    kept.offered(team, LO, HI, NOW)
    assert made == ["mem_7"]


def shown(kept: KeptMasks, team: Team, lo: int = LO, hi: int = HI) -> list[int]:
    """What is offered, and that it is what the engine offers."""
    masks = start_masks(team, lo, hi, NOW)
    expected = masks.starts(masks.union())
    assert json.loads(days_json(kept.offered(team, lo, hi, NOW), "UTC", lo, hi)[0]) == to_iso(expected, "UTC")
    return expected


@pytest.mark.parametrize("anchor", ["opening", "gapless"])
def test_what_comes_and_goes_beside_an_edge_is_seen_on_both_sides(anchor: Anchor) -> None:
    """A start before it lasts beyond it, and where the one work ends a raster may begin on the other side."""
    works = Schedule("Asia/Kathmandu", hours("00:00-24:00"))
    rules = SlotRules("Asia/Kathmandu", 30, 45, anchor, buffer_before=10, buffer_after=20, calendar_id="cal_1")
    kept, edge, seen = KeptMasks(rules), (LO // CHUNK + 1) * CHUNK, set[tuple[int, ...]]()
    for begins in (*range(edge - 600, edge + 120, 7), *range(edge - 3 * DAY, edge - 600, 173)):
        for minutes in (5, 400):
            host = HostTimes("mem_0", works, [(begins, begins + minutes, "booked")])
            for team in (Team(rules, (host,)), Team(rules, (replace(host, busy=()),))):
                seen.add(tuple(shown(kept, team, edge - DAY, edge + DAY)))
    assert len(seen) > 50


def test_who_takes_no_more_or_serves_no_longer_is_not_offered_any_more() -> None:
    team = team_of(WORKS)
    kept, (host,) = KeptMasks(team.rules), team.hosts
    everything = shown(kept, team)
    full = replace(host, full=(FullPeriod(LO, LO + 7 * DAY, "week", 3),))
    assert min(shown(kept, replace(team, hosts=(full,)))) > LO + 7 * DAY
    assert shown(kept, team) == everything
    assert shown(kept, replace(team, hosts=())) == []


def test_what_nobody_asks_for_any_more_is_let_go() -> None:
    team = team_of(WORKS, WORKS)
    kept = KeptMasks(team.rules)
    for year in range(40):
        kept.offered(team, LO + year * 365 * DAY, HI + year * 365 * DAY, NOW)
    assert kept.size <= KEPT_CHUNKS * 2


def test_full_periods_of_the_calendar_hide_and_show_again() -> None:
    team = team_of(WORKS)
    kept = KeptMasks(team.rules)
    before = days_json(kept.offered(team, LO, HI, NOW), "UTC", LO, HI)
    full = replace(team, full=(FullPeriod(LO, LO + 7 * DAY, "week", 3),))
    assert min(shown(kept, full)) >= LO + 7 * DAY
    assert days_json(kept.offered(team, LO, HI, NOW), "UTC", LO, HI) == before


def test_days_are_written_as_the_listing_writes_them_on_both_sides_of_every_clock_change() -> None:
    """Also where a date comes twice, or a day begins at one o'clock."""
    always = Schedule("UTC", hours("00:00-24:00"))
    for zone in (*changing_zones()[::7], *ZONES):
        table = zone_table(zone, LO, LO + 400 * DAY)
        for change in [one for one in table.starts if LO <= one < LO + 400 * DAY]:
            lo, hi = change - 2 * DAY, change + 2 * DAY
            team = team_of(always)
            offered = KeptMasks(team.rules).offered(team, lo, hi, NOW)
            found = start_masks(team, lo, hi, NOW)
            assert json.loads(days_json(offered, zone, lo, hi)[0]) == to_iso(found.starts(found.union()), zone)
