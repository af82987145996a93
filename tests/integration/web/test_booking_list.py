"""The console's list of bookings: searched, sorted, walked and left again, without a script."""

import re
from html import unescape

import httpx

from tests.integration.web import test_console
from tests.integration.web.test_console import Console, draft

console = test_console.console
GUESTS = ("Grace Hopper", "Jürgen Müller", "Anna Groß")


async def booked(console: Console, *more: str) -> dict[str, str]:
    """A calendar, and a booking of each guest on one day after the other; their ids."""
    overview = (await console.client.get("/console/profile")).text
    member = re.search(r"/console/team/(mem_\w+)", overview)
    assert member is not None
    await console.post("/availability", tz="Europe/Berlin", hours_1_start="09:00", hours_1_end="17:00")
    made = await console.post("/calendars/new/personal", publish="1", **draft(member=member[1]))
    assert made.status_code == 303, made.text
    found: dict[str, str] = {}
    for number, name in enumerate((*GUESTS, *more)):
        day, hour = divmod(number, 14)
        guest = {"name": name, "email": f"guest{number}@example.org"}
        start = f"2027-01-{11 + 7 * day}T{9 + hour // 2:02}:{30 * (hour % 2):02}:00+01:00"
        body = {"calendar": "sonnenhof/beratung", "start": start, "tz": "Europe/Berlin", "guest": guest}
        answer = await console.client.post("/api/v1/bookings", json=body, headers={"Prefer": "wait=30"})
        assert answer.status_code == 201, answer.text
        found[name] = answer.json()["id"]
    return found


def names_in(page: httpx.Response) -> list[str]:
    assert page.status_code == 200, page.text
    return [unescape(name) for name in re.findall(r'<td class="who"[^>]*><a [^>]*>([^<]*)</a>', page.text)]


def link_in(page: httpx.Response, pattern: str) -> str:
    found = re.search(pattern, page.text)
    assert found is not None, pattern
    return unescape(found[1])


async def test_a_search_shows_who_is_found_and_keeps_filters_order_and_table(console: Console) -> None:
    await booked(console)
    page = await console.client.get("/console/bookings?q=gr&from=2027-01-04&status=confirmed")
    assert names_in(page) == ["Grace Hopper", "Anna Groß"]
    assert 'name="q" type="search" value="gr"' in page.text
    turned = link_in(page, r'aria-sort="ascending"><a href="([^"]+)"')
    other = await console.client.get(turned)
    assert names_in(other) == ["Anna Groß", "Grace Hopper"]
    assert 'aria-sort="descending"' in other.text
    assert '<option value="confirmed" selected>' in other.text
    assert '<input type="hidden" name="sort" value="-start">' in other.text
    newest = await console.client.get(link_in(page, r'aria-sort="none"><a href="([^"]+)"'))
    assert names_in(newest) == ["Anna Groß", "Grace Hopper"]
    table = await console.client.get(link_in(other, r'href="([^"]+)" download'))
    assert [line.split(",")[6] for line in table.text.splitlines()[1:]] == ["Anna Groß", "Grace Hopper"]


async def test_a_booking_leads_back_to_the_place_in_the_list_even_after_something_was_done(console: Console) -> None:
    ids = await booked(console)
    page = await console.client.get("/console/bookings?q=m%C3%BCll&sort=-created_at&lang=de")
    opened = await console.client.get(link_in(page, r'<td class="who"[^>]*><a href="([^"]+)"'))
    back = link_in(opened, r'<a href="([^"]+)">[^<]*</a></p>\s*<p class="hint live"')
    assert back.endswith(f"#{ids['Jürgen Müller']}")
    again = await console.client.get(back.partition("#")[0])
    assert names_in(again) == ["Jürgen Müller"]
    assert f'id="{ids["Jürgen Müller"]}"' in again.text
    asked = await console.client.get(link_in(opened, r'href="([^"]+/cancel\?[^"]+)"'))
    done = await console.client.post(
        link_in(asked, r'<form method="post" action="([^"]+/cancel[^"]*)"'), data={"sure": "yes"}
    )
    assert done.status_code == 303
    after = await console.client.get(done.headers["location"])
    assert back == link_in(after, r'<a href="([^"]+)">[^<]*</a></p>\s*<p class="hint live"')
    assert "list=" not in "".join(re.findall(r'<nav class="side.*?</nav>', after.text, re.DOTALL))


async def test_a_forged_place_leads_to_the_list(console: Console) -> None:
    ids = await booked(console)
    for place in ("//evil.example", "javascript:alert(1)", "done=x&next=//evil.example", "\0", "a" * 3000):
        page = await console.client.get(f"/console/bookings/{ids['Grace Hopper']}", params={"list": place})
        back = link_in(page, r'<a href="([^"]+)">[^<]*</a></p>\s*<p class="hint live"')
        assert re.fullmatch(r"/console/bookings(\?from=\d{4}-\d\d-\d\d)?#bk_\w+", back), place


async def test_nothing_found_says_what_to_do(console: Console) -> None:
    await booked(console)
    page = await console.client.get("/console/bookings?q=hopper&from=2027-02-01&lang=en")
    assert names_in(page) == []
    assert "Nothing found for “hopper”" in page.text
    everywhere = link_in(page, r'<a class="button" href="([^"]+)">Search every day')
    assert names_in(await console.client.get(everywhere)) == ["Grace Hopper"]
    assert "Clear search and filters" in page.text


async def test_what_cannot_be_searched_for_is_said_at_its_field(console: Console) -> None:
    for query, field in (("q=" + "x" * 101, "q"), ("q=a%07b", "q"), ("from=2027-01-04&to=2027-01-02", "end")):
        page = await console.client.get(f"/console/bookings?{query}")
        assert page.status_code == 422, query
        assert f'id="{field}-error"' in page.text
        table = await console.client.get(f"/console/bookings/table.csv?{query}")
        assert table.status_code == 303
        assert (await console.client.get(table.headers["location"])).status_code == 422


async def test_pages_of_a_search_hold_each_guest_once(console: Console) -> None:
    more = tuple(f"Walk {chr(97 + n)}{chr(97 + n)}" for n in range(26))
    await booked(console, *more)
    page = await console.client.get("/console/bookings?q=walk&sort=-start")
    first = names_in(page)
    second = names_in(await console.client.get(link_in(page, r'<a class="button" href="([^"]+)"')))
    assert len(first) == 25
    assert first + second == list(reversed(more))
