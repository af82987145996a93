"""The page of a calendar with little to offer: the next free day, a year without one, another zone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import httpx

from tests.integration.web.conftest import Pages
from tests.support.system import eventually

TODAY = date(2027, 1, 4)


@contextmanager
def questions(pages: Pages) -> Iterator[list[httpx.QueryParams]]:
    """What the pages ask `GET /slots` for meanwhile."""
    asked: list[httpx.QueryParams] = []

    async def note(request: httpx.Request) -> None:
        if request.url.path == "/api/v1/slots":
            asked.append(request.url.params)

    hooks = pages.system.process.hosts["web"].ports.effects._client.event_hooks["request"]
    hooks.append(note)
    try:
        yield asked
    finally:
        hooks.remove(note)


async def only_free_on(pages: Pages, *days: date) -> None:
    """The host works from nine to ten on these days and on no other."""
    (member,) = pages.tenant.members
    staff = pages.tenant.headers(member)
    found = await pages.system.client.get("/api/v1/schedules", params={"member_id": member}, headers=staff)
    (schedule,) = found.json()["items"]
    overrides = [{"date": day.isoformat(), "ranges": [{"start": "09:00", "end": "10:00"}]} for day in days]
    body: dict[str, Any] = {"name": "H", "tz": "Europe/Berlin", "weekly": [], "overrides": overrides}
    changed = await pages.system.client.put(f"/api/v1/schedules/{schedule['id']}", headers=staff, json=body)
    assert changed.status_code == 200, changed.text


async def shown(pages: Pages, query: str = "") -> str:
    answer = await pages.client.get(f"/{pages.address}?lang=en&tz=Europe/Berlin{query}")
    assert answer.status_code == 200
    return answer.text


def next_day(page: str) -> str | None:
    found = re.search(r'<a class="button" href="([^"]+)" rel="nofollow">', page)
    return found[1].replace("&amp;", "&") if found else None


async def test_the_next_free_day_is_a_link_away_and_found_by_few_questions(pages: Pages) -> None:
    day = date(2027, 12, 9)
    await only_free_on(pages, day)
    for query in ("", "&month=2027-03", "&day=2027-01-12"):
        with questions(pages) as asked:
            page = await shown(pages, query)
        link = next_day(page)
        assert link is not None, query
        assert "Thursday, 9 December 2027" in page
        assert len(asked) <= 5
    followed = (await pages.client.get(link)).text
    assert "Thursday, 9 December 2027" in followed
    assert re.findall(r'<time datetime="([^"]+)"', followed) == [
        "2027-12-09T09:00:00+01:00",
        "2027-12-09T09:30:00+01:00",
    ]


async def test_the_search_asks_for_stretches_that_follow_each_other_and_ends_after_a_year(pages: Pages) -> None:
    await only_free_on(pages, TODAY + timedelta(days=31 + 4 * 92))
    with questions(pages) as asked:
        page = await shown(pages)
    assert next_day(page) is None
    spans = [(date.fromisoformat(one["start"]), date.fromisoformat(one["end"])) for one in asked]
    assert spans[0] == (TODAY, date(2027, 1, 31))
    assert all(later[0] == earlier[1] + timedelta(days=1) for earlier, later in pairwise(spans))
    assert [(end - start).days for start, end in spans[1:]] == [91] * 4
    assert spans[-1][1] >= TODAY.replace(year=2028)


async def test_a_year_without_a_free_day_is_a_page_that_says_so(pages: Pages) -> None:
    await only_free_on(pages)
    for query in ("", "&month=2027-05", "&day=2027-01-12", "&month=2027-01&day=2027-01-12&tz=Asia/Tokyo"):
        with questions(pages) as asked:
            page = await shown(pages, query)
        assert "Nothing is free in " in page, query
        assert "There are no free days after that either at present." in page
        assert next_day(page) is None
        assert "/form?" not in page
        assert len(asked) == 5
        assert 'aria-label="Next month"' in page


async def test_another_zone_keeps_the_chosen_day_also_if_it_has_no_times_there(pages: Pages) -> None:
    day = "&month=2027-01&day=2027-01-12"
    for zone, times in (("Europe/Berlin", 16), ("America/New_York", 16), ("Pacific/Kiritimati", 16)):
        answer = await pages.client.get(f"/{pages.address}?lang=en{day}&tz={zone}")
        assert "Tuesday, 12 January 2027" in answer.text, zone
        assert len(re.findall(r'/form\?[^"]*" rel', answer.text)) == times, zone
        kept = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
        assert (kept["month"], kept["day"]) == ("2027-01", "2027-01-12")
    await only_free_on(pages, date(2027, 1, 13))
    far = await pages.client.get(f"/{pages.address}?lang=en&month=2027-01&day=2027-01-13&tz=Pacific/Pago_Pago")
    assert "Wednesday, 13 January 2027" in far.text
    assert "/form?" not in far.text
    assert "day=2027-01-12" in far.text


async def test_what_is_given_back_is_found_again(pages: Pages) -> None:
    await only_free_on(pages)
    assert next_day(await shown(pages)) is None
    await only_free_on(pages, date(2027, 7, 1))

    async def found() -> bool:
        return "Thursday, 1 July 2027" in await shown(pages)

    await eventually(found)
