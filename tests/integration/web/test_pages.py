"""What every page keeps to, whatever is asked of it."""

import html
import re

import httpx

from tests.integration.web.conftest import NAME, READS_A_MINUTE, Pages
from tests.support.processes import free_port
from tests.support.system import System
from turnus_runtime.embedded import Endpoints
from turnus_runtime.listening import listening

FORM = "/form?start=2027-01-05T09:00:00Z&tz=Europe/Berlin"
GUEST = {"start": "2027-01-05T09:00:00Z", "tz": "Europe/Berlin", "name": "Grace", "email": "grace@example.org"}


def from_address(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


async def booked(pages: Pages, **more: str) -> httpx.Response:
    return await pages.client.post(f"/{pages.address}/form", data={**GUEST, "key": "once", **more})


async def test_every_page_is_shut_against_scripts_frames_cookies_and_referrers(pages: Pages) -> None:
    link = (await booked(pages)).headers["location"]
    for path in ("/", "/missing", f"/{pages.address}", f"/{pages.retired}", link, f"{link}/move", f"{link}/cancel"):
        answer = await pages.client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, path
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        assert not re.search(r"<script(?! src=\"/static/)|\son\w+=|style=", answer.text), path
        assert ("noindex" in answer.headers.get("x-robots-tag", "")) == path.startswith("/b/")


async def test_what_people_named_is_text_and_never_markup(pages: Pages) -> None:
    answer = await pages.client.get(f"/{pages.address}")
    assert NAME not in answer.text
    assert "Beratung &lt;script&gt;" in answer.text


async def test_the_language_is_asked_for_or_negotiated_and_links_keep_it(pages: Pages) -> None:
    german = await pages.client.get(f"/{pages.address}", headers={"Accept-Language": "de-AT,en;q=0.5"})
    assert german.headers["content-language"] == "de"
    assert "Accept-Language" in german.headers["vary"]
    assert '<html lang="de"' in german.text
    english = await pages.client.get(f"/{pages.address}?lang=en", headers={"Accept-Language": "de"})
    assert '<html lang="en"' in english.text
    times = re.findall(r'href="(/[^"]*/form\?[^"]*)"', english.text)
    assert times
    assert all("lang=en" in link for link in times)


async def test_deep_links_show_their_month_day_and_zone(pages: Pages) -> None:
    answer = await pages.client.get(f"/{pages.address}?month=2027-02&day=2027-02-10&tz=Asia/Tokyo&lang=en")
    assert "Wednesday, 10 February 2027" in answer.text
    assert "All times are for Tokyo (UTC+9)." in answer.text
    assert '<time datetime="2027-02-10T17:00:00+09:00">17:00</time>' in answer.text


async def test_an_address_that_means_nothing_shows_the_nearest_page_that_does(pages: Pages) -> None:
    asked = [
        ("?month=2027-99&day=2027-02-31&tz=Mars/Olympus", 200),
        ("?month=0001-01", 200),
        ("?month=2099-12", 200),
        ("?day=%00%ff&tz=%00&lang=%3Cscript%3E", 200),
        ("?tz=../../etc/passwd", 200),
        ("?tz=" + "x" * 5000, 200),
        ("?month=2027-01&month=2027-02", 200),
        ("/form?start=nonsense", 303),
        ("/form", 303),
        ("/form?start=2027-01-05T09:00:00", 303),
        ("/form?start=2027-01-05T09:00:00Z&key=k&tz=Mars/Olympus", 200),
    ]
    for query, status in asked:
        assert (await pages.client.get(f"/{pages.address}{query}")).status_code == status, query


async def test_what_is_not_there_is_a_page_that_says_so(pages: Pages) -> None:
    forged = f"/b/bkt_{'0' * 26}{'A' * 22}"
    paths = ("/sonnenhof/unknown", "/nobody/beratung", "/ab/beratung", "/SONNENHOF/beratung", "/sonnenhof/%2e%2e")
    for path in (*paths, forged, f"{forged}/move", "/b/x", "/b/", "/static/service.py", "/static/..%2fservice.py"):
        answer = await pages.client.get(path, headers={"Accept-Language": "de"})
        assert answer.status_code == 404, path
        assert "Diese Seite gibt es nicht" in answer.text
        assert answer.headers["content-type"].startswith("text/html")
    assert (await pages.client.post("/")).status_code == 405
    assert (await pages.client.head(f"/{pages.address}")).text == ""
    assert (await pages.client.get(f"/{pages.retired}")).status_code == 410


async def test_forms_survive_whatever_is_sent(pages: Pages) -> None:
    path = f"/{pages.address}/form"
    sent: list[tuple[bytes, int]] = [
        (b"", 303),
        (b"\xff\xfe=\xff", 303),
        (b"&".join(b"a=1" for _ in range(500)), 303),
        (b"start=2027-01-05T09:00:00Z&tz=Europe/Berlin", 422),
        (b"start=2027-01-05T09:00:00Z&tz=Europe/Berlin&name=%00%0a&email=%ff&phone=x&version=99999999999", 422),
        (b"start=2027-01-05T09:00:00Z&tz=Europe/Berlin&name=G&email=g@example.org&version=99", 409),
        (b"start=2027-01-05T02:00:00Z&tz=Europe/Berlin&name=G&email=g@example.org", 409),
        (b"a" * 300_000, 413),
    ]
    for body, status in sent:
        answer = await pages.client.post(path, content=body)
        assert answer.status_code == status, body[:80]
    params = {"calendar": pages.address, "start": "2027-01-05", "end": "2027-01-05"}
    free = (await pages.client.get("/api/v1/slots", params=params)).json()["days"]["2027-01-05"]
    assert len(free) == 16


async def test_the_same_form_sent_again_shows_the_same_booking_and_another_one_with_its_key_is_asked_about(
    pages: Pages,
) -> None:
    first, again = await booked(pages), await booked(pages)
    assert first.status_code == again.status_code == 303
    assert first.headers["location"] == again.headers["location"]
    other = await booked(pages, name="Grace Hopper")
    assert other.status_code == 422
    assert "Check your e-mails" in other.text
    assert 'value="Grace Hopper"' in other.text


async def test_the_form_draws_a_key_that_nobody_can_guess(pages: Pages) -> None:
    keys = set()
    for _ in range(3):
        answer = await pages.client.get(f"/{pages.address}{FORM}")
        assert answer.status_code == 303
        keys.add(httpx.URL(answer.headers["location"]).params["key"])
        form = await pages.client.get(answer.headers["location"])
        assert f'name="key" value="{httpx.URL(answer.headers["location"]).params["key"]}"' in form.text
    assert len(keys) == 3
    assert all(len(key) > 25 for key in keys)


async def test_limits_count_each_guest_by_their_own_address(pages: Pages) -> None:
    statuses: list[int] = []
    while 429 not in statuses:
        assert len(statuses) <= READS_A_MINUTE
        answer = await pages.client.get(f"/{pages.address}", headers=from_address("203.0.113.7"))
        statuses.append(answer.status_code)
    assert (
        "Das waren sehr viele Anfragen"
        in (await pages.client.get(f"/{pages.address}?lang=de", headers=from_address("203.0.113.7"))).text
    )
    assert (await pages.client.get(f"/{pages.address}", headers=from_address("203.0.113.8"))).status_code == 200


async def test_a_booking_in_a_calendar_that_was_retired_meanwhile_is_moved_by_its_page(pages: Pages) -> None:
    link = (await booked(pages)).headers["location"].partition("?")[0]
    member = pages.tenant.members[0]
    calendar = (await pages.client.get("/api/v1/calendars", params={"address": pages.address})).json()
    staff = pages.tenant.headers(member)
    retired = await pages.client.post(f"/api/v1/calendars/{calendar['id']}/retire", headers=staff)
    assert retired.status_code == 200, retired.text
    await pages.system.quiet()
    chosen = await pages.client.get(f"{link}/move?day=2027-01-05&lang=en")
    times = re.findall(r'href="([^"]*/move\?start=[^"]*)"', chosen.text)
    assert len(times) == 15  # all of the day but the one that the guest has
    asked = await pages.client.get(html.unescape(times[0]))
    sent = dict(re.findall(r'name="(start|key|version)" value="([^"]*)"', asked.text))
    assert (await pages.client.post(f"{link}/move", data=sent)).status_code == 303
    token = link.rpartition("/")[2]
    seen = await pages.client.get("/api/v1/bookings/current", headers={"Authorization": f"Bearer {token}"})
    assert (seen.json()["revision"], seen.json()["start"]) == (1, "2027-01-05T09:00:00+01:00")


async def test_pages_of_guests_and_files_go_packed_to_browsers_that_take_them_so_and_pages_of_staff_never(
    pages: Pages,
) -> None:
    page = f"/{pages.address}"
    (style,) = re.findall(r"/static/pages\.[0-9a-f]{12}\.css", (await pages.client.get(page)).text)
    whole: dict[str, bytes] = {}
    for encoding in ("identity", "gzip"):
        for path in (page, style, "/embed.js", "/console/sign-in"):
            answer = await pages.client.get(path, headers={"Accept-Encoding": encoding})
            packed = encoding == "gzip" and not path.startswith("/console")
            assert answer.headers.get("content-encoding") == ("gzip" if packed else None), path
            assert "Accept-Encoding" in answer.headers["vary"], path
            assert whole.setdefault(path, answer.content) == answer.content, path
            if packed:
                assert int(answer.headers["content-length"]) < len(answer.content) / 2, path


async def test_static_files_may_be_kept_for_ever_under_their_own_name_only(pages: Pages) -> None:
    page = await pages.client.get("/")
    (name,) = re.findall(r"/static/pages\.[0-9a-f]{12}\.css", page.text)
    kept = await pages.client.get(name)
    assert "immutable" in kept.headers["cache-control"]
    assert kept.headers["content-type"].startswith("text/css")
    old = await pages.client.get("/static/pages.000000000000.css")
    assert (old.status_code, "immutable" in old.headers["cache-control"]) == (200, False)


async def test_without_the_api_the_page_says_when_to_come_back(embedded_servers: Endpoints, fresh_broker: str) -> None:
    closed = f"http://127.0.0.1:{free_port()}"
    system = System(embedded_servers, ("web",), kafka_url=fresh_broker, api_url=closed)
    async with (
        system.running(),
        listening(system.process.app(), "127.0.0.1", 0) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"Accept-Language": "de"}) as client,
    ):
        answer = await client.get("/sonnenhof/beratung")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert "Wir sind gleich wieder da" in answer.text
        kept = await client.post("/sonnenhof/beratung/form", data={**GUEST, "key": "once"})
        assert kept.status_code == 503
        assert 'name="key" value="once"' in kept.text
        assert 'value="grace@example.org"' in kept.text
        assert (await client.get(f"/b/bkt_{'0' * 26}{'A' * 22}")).status_code == 503
        assert (await client.get("/")).status_code == 200
    assert system.process.hosts["web"].ports.effects._client.is_closed


async def test_an_address_that_no_workspace_can_have_is_not_there(pages: Pages) -> None:
    for path in ("/ab", f"/{'a' * 41}", f"/{'a' * 63}", "/-a-", "/Sonnenhof"):
        assert (await pages.client.get(path)).status_code == 404, path


async def test_only_a_demo_has_the_styleguide(pages: Pages) -> None:
    # That a demo has it: tests/browser/test_styleguide.py.
    assert (await pages.client.get("/styleguide")).status_code == 404
