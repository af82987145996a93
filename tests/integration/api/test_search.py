"""Bookings are searched and sorted: who is found and who is not, by whom, and in which order, page by page."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio

from services.booking.domain.bookings import Booking
from services.booking.domain.finding import PLACES
from tests.integration.api.conftest import Api, Office, office
from turnus_contracts import Guest
from turnus_runtime.http import cursor
from turnus_runtime.operations import rewrite
from turnus_runtime.records import Decision

pytestmark = pytest.mark.asyncio(loop_scope="session")
GUESTS = {
    "Jürgen Müller-Lüdenscheidt": "jml@badewanne.example.org",
    "Grace Brewster Hopper": "grace.hopper@navy.example.mil",
    "Anna Groß": "anna@firma-gross.example.de",
    "Zoë Søndergård": "zoe@example.com",
    "李明": "li.ming@example.org",
    "Pablo Diego José Francisco de Paula Juan Nepomuceno Picasso": "pablo@example.org",
}
SORTS = ("start", "-start", "created_at", "-created_at")


@dataclass
class Desk:
    """A workspace with one calendar; `ids` are the bookings' by the names of their guests."""

    at: Office
    calendar: dict[str, Any]
    ids: dict[str, str]

    async def list(self, **params: Any) -> list[dict[str, Any]]:
        """All pages, 200 a page unless said otherwise."""
        found: list[dict[str, Any]] = []
        after: str | None = None
        while True:
            asked = {"limit": 200, **params, **({"after": after} if after else {})}
            answer = await self.at.api.send("GET", "/bookings", None, self.at.staff, params=asked)
            assert answer.status_code == 200, answer.text
            found += answer.json()["items"]
            after = answer.json()["next"]
            if after is None:
                return found

    async def named(self, q: str, **params: Any) -> set[str]:
        return {one["guest"]["name"] for one in await self.list(q=q, **params)}


async def desk(api: Api, name: str) -> Desk:
    at = await office(api, name)
    member = await at.host("Ada", "00:00", "24:00")
    calendar = await at.calendar("talk", [member], duration_minutes=15, interval_minutes=15)
    return Desk(at, calendar, {})


async def booked(at: Desk, guest: str, email: str, start: str) -> dict[str, Any]:
    answer = await at.at.api.book(at.calendar["address"], start, guest={"name": guest, "email": email})
    assert answer.status_code == 201, answer.text
    at.ids[guest] = answer.json()["id"]
    return dict(answer.json())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def known(api: Api) -> AsyncIterator[Desk]:
    made = await desk(api, "search")
    for number, (guest, email) in enumerate(GUESTS.items()):
        await booked(made, guest, email, f"2027-03-{number + 1:02}T10:00:00+01:00")
    yield made


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("müller", {"Jürgen Müller-Lüdenscheidt"}),
        ("MUELLER", {"Jürgen Müller-Lüdenscheidt"}),
        ("muller jurgen", {"Jürgen Müller-Lüdenscheidt"}),
        ("lüd jml@badewanne", {"Jürgen Müller-Lüdenscheidt"}),
        ("gro", {"Anna Groß"}),
        ("gross", {"Anna Groß"}),
        ("gr", {"Anna Groß", "Grace Brewster Hopper"}),
        ("grace.hopper@navy.example.mil", {"Grace Brewster Hopper"}),
        ("sondergard", {"Zoë Søndergård"}),
        ("李", {"李明"}),
        ("李明", {"李明"}),
        ("picasso", {"Pablo Diego José Francisco de Paula Juan Nepomuceno Picasso"}),
        ("nepo pablo", {"Pablo Diego José Francisco de Paula Juan Nepomuceno Picasso"}),
        ("p", {"Pablo Diego José Francisco de Paula Juan Nepomuceno Picasso"}),
        ("example", set(GUESTS)),
        ("  hopper  ", {"Grace Brewster Hopper"}),
        ("opper", set()),
        ("grace müller", set()),
        ("mil", set()),
        ("!?", set()),
        ("*", set()),
    ],
)
async def test_a_guest_is_found_by_what_a_word_begins_with(known: Desk, q: str, names: set[str]) -> None:
    for sort in SORTS:
        assert await known.named(q, sort=sort) == names, sort


async def test_a_booking_is_found_by_its_id_and_by_ten_characters_of_it(known: Desk) -> None:
    name, booking_id = next(iter(known.ids.items()))
    for q in (booking_id, booking_id.upper(), f" {booking_id} "):
        assert await known.named(q) == {name}
    assert name in await known.named(booking_id[:13], limit=1, sort="-start")
    assert await known.named(booking_id[:-1] + ("0" if booking_id[-1] != "0" else "1")) == set()
    assert await known.named(booking_id[:12]) == set(), "nine characters are a word, and nobody's"


async def test_a_search_is_narrowed_like_any_list(known: Desk) -> None:
    calendar = known.calendar["id"]
    host = known.calendar["members"][0]["member_id"] if "members" in known.calendar else None
    assert await known.named("gr", start="2027-03-03T00:00:00Z") == {"Anna Groß"}
    assert await known.named("gr", end="2027-03-03T00:00:00Z") == {"Grace Brewster Hopper"}
    assert await known.named("gr", calendar_id=calendar, status="confirmed") == {"Anna Groß", "Grace Brewster Hopper"}
    assert await known.named("gr", status="cancelled") == set()
    assert await known.named("gr", calendar_id="cal_" + "0" * 26) == set()
    assert await known.named("gr", host_id="mem_" + "0" * 26) == set()
    if host is not None:
        assert await known.named("gr", host_id=host) == {"Anna Groß", "Grace Brewster Hopper"}


async def test_a_list_ends_before_the_end_of_its_span_whatever_its_order(known: Desk) -> None:
    span = {"start": "2027-03-02T09:00:00Z", "end": "2027-03-04T09:00:00Z"}
    expected = ["Grace Brewster Hopper", "Anna Groß"]
    for sort in SORTS:
        found = [one["guest"]["name"] for one in await known.list(**span, sort=sort, limit=1)]
        assert found == (expected[::-1] if sort.startswith("-") else expected), sort


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"q": "x" * 101}, "q"),
        ({"q": ""}, "q"),
        ({"q": "   "}, "q"),
        ({"q": "a\0b"}, "q"),
        ({"q": "a\nb"}, "q"),
        ({"sort": "name"}, "sort"),
        ({"sort": ""}, "sort"),
        ({"end": "tomorrow"}, "end"),
        ({"start": "2027-03-02T09:00:00Z", "end": "2027-03-02T09:00:00Z"}, "end"),
    ],
)
async def test_what_cannot_be_searched_for_is_refused_by_name(known: Desk, params: dict[str, str], field: str) -> None:
    answer = await known.at.api.send("GET", "/bookings", None, known.at.staff, params=params)
    assert answer.status_code == 422, answer.text
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert not [value for value in params.values() if len(value) > 3 and value in answer.text]


@pytest.mark.parametrize(
    "q",
    ["<script>", "' OR 1=1 --", '{"$gt": ""}', "gr|", "gr}", "gr*", "👩‍👩‍👧‍👦", "bk_" + "0" * 26, ".*", "a" * 100, "ﷺ"],
)  # fmt: skip
async def test_hostile_words_find_nobody(known: Desk, q: str) -> None:
    found = await known.named(q)
    assert found <= {"Anna Groß", "Grace Brewster Hopper"}
    assert not found or q.startswith("gr")


async def test_nobody_is_found_from_another_workspace(api: Api, known: Desk) -> None:
    other = await desk(api, "elsewhere")
    await booked(other, "Grace Elsewhere", "grace@example.net", "2027-03-02T10:00:00+01:00")
    assert await other.named("grace") == {"Grace Elsewhere"}
    assert await known.named("grace") == {"Grace Brewster Hopper"}
    assert await other.named(known.ids["Grace Brewster Hopper"]) == set()
    workspace = (await api.call("GET", "/sessions/current", None, known.at.staff))["workspace_id"]
    for place in ("|", "}", f"|{workspace}|gr|", "0", "~"):
        answer = await api.send("GET", "/bookings", None, other.at.staff, params={"q": "gr", "after": cursor(place)})
        assert {one["guest"]["name"] for one in answer.json()["items"]} <= {"Grace Elsewhere"}, place


async def test_who_may_not_see_bookings_may_not_search_them(known: Desk) -> None:
    key = await known.at.made("/api-keys", {"name": "no bookings", "scopes": ["calendars:view"]})
    bearer = {"Authorization": f"Bearer {key['key']}"}
    for headers, status in ((bearer, 403), ({}, 401)):
        answer = await known.at.api.send("GET", "/bookings", None, headers, params={"q": "grace"})
        assert answer.status_code == status


async def test_an_erased_guest_is_found_by_nothing_and_no_key_holds_them(api: Api) -> None:
    here = await desk(api, "erased")
    made = await booked(here, "Zacharias Quast", "zq@quast.example.org", "2027-03-02T10:00:00+01:00")
    await api.system.quiet()
    records = api.system.process.hosts["booking"].turn().records(Booking)
    nobody = Guest(name="", email="")
    await records.decide(made["id"], lambda known: Decision(None, known and known.change(guest=nobody)))
    for q in ("zach", "quast", "zq@quast.example.org", "q", "ex"):
        assert [one["id"] for one in await here.list(q=q) if one["id"] == made["id"]] == [], q
    stored = await api.system.process.hosts["booking"].ports.store.get("bookings", made["id"])
    assert stored
    assert not [name for name in stored.keys if name.startswith("by_word")]


async def test_a_booking_of_an_older_release_is_found_once_it_is_written_again(api: Api) -> None:
    here = await desk(api, "older")
    made = await booked(here, "Grace Older", "grace@example.org", "2027-03-02T10:00:00+01:00")
    await api.system.quiet()
    host = api.system.process.hosts["booking"]
    new = await host.ports.store.get("bookings", made["id"])
    assert new
    old = {
        name: one
        for name, one in new.keys.items()
        if name in ("by_workspace", "by_calendar", "by_host", "ends", "self")
    }
    assert await host.ports.store.replace(
        "bookings", replace(new, version=new.version + 1, format=1, keys=old), new.version
    )
    host.records.forget_all()
    assert [one["id"] for one in await here.list()] == [made["id"]], "it is read as before"
    assert await here.named("grace") == set()
    assert await here.list(sort="created_at") == []
    assert await rewrite(host) == {"bookings": 1}
    assert await here.named("grace", sort="-created_at") == {"Grace Older"}
    assert (await here.list(sort="created_at"))[0]["version"] == made["version"], "nothing but format and keys"


async def test_every_page_of_every_order_holds_each_booking_once_while_others_are_made(api: Api) -> None:
    """Some have many words and lie where whatever has no place of its own lies; others come meanwhile."""
    here = await desk(api, "orders")
    names = [
        "Walt Whitman",
        "Wa " + " ".join(f"{chr(97 + n)}{chr(98 + n)}c" for n in range(PLACES + 2)),
        "Émile Wauters",
    ]
    hours = [(day, hour) for day in range(1, 7) for hour in range(4)]
    first = {
        (await booked(here, names[n % 3], f"w{n}@example.org", f"2027-03-{day:02}T{8 + hour:02}:00:00+01:00"))["id"]
        for n, (day, hour) in enumerate(sorted(hours, key=lambda one: (one[1], one[0])))
    }  # fmt: skip
    assert len(first) == 24
    number = 0
    for sort in SORTS:
        for q in ("wa", None):
            met: list[str] = []
            places: list[datetime] = []
            after: str | None = None
            while True:
                params = {"limit": 7, "sort": sort, **({"q": q} if q else {}), **({"after": after} if after else {})}
                answer = (await api.send("GET", "/bookings", None, here.at.staff, params=params)).json()
                met += [one["id"] for one in answer["items"]]
                # As moments: one that falls on a second is written without a fraction.
                places += [datetime.fromisoformat(one[sort.lstrip("-")]) for one in answer["items"]]
                after = answer["next"]
                if after is None:
                    break
                number += 1
                hour, minute = divmod(number, 3)
                new = f"2027-03-0{1 + hour % 6}T{8 + hour // 6:02}:{15 * (1 + minute):02}:00+01:00"
                await booked(here, "Wanda Late", f"late{number}@example.org", new)
            assert len(met) == len(set(met)), (sort, q)
            assert first <= set(met), (sort, q)
            assert places == sorted(places, reverse=sort.startswith("-"))


async def test_an_order_by_creation_is_the_order_in_which_they_were_asked_for(api: Api) -> None:
    here = await desk(api, "creation")
    days = (4, 2, 5, 1, 3)
    for day in days:
        await booked(here, f"Guest {day}", f"g{day}@example.org", f"2027-03-{day:02}T10:00:00+01:00")
        await asyncio.sleep(0)
    asked = [f"Guest {day}" for day in days]
    for q in ({}, {"q": "guest"}, {"calendar_id": here.calendar["id"]}):
        assert [one["guest"]["name"] for one in await here.list(**q, sort="created_at")] == asked
        assert [one["guest"]["name"] for one in await here.list(**q, sort="-created_at", limit=2)] == asked[::-1]
        assert [one["guest"]["name"] for one in await here.list(**q)] == sorted(asked)
