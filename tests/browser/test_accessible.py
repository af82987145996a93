"""Every page in every state: no violation found by axe, no sideways scrolling at 320 px, all in one small load."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Response, Route, expect

from services.web.routes.console.desk import COOKIE
from tests.browser.conftest import Opener
from tests.browser.guest import fill, press, see, words_of
from tests.browser.looking import misshapen
from tests.browser.shots import Shot, token_of
from tests.browser.site import Site
from tests.support.stack import StackThread

LARGEST_PAGE_BYTES = 100_000


@dataclass
class Watched:
    """A page that is looked at: what it loaded and what went against its policy."""

    page: Page
    sizes: list[int] = field(default_factory=list[int])
    foreign: list[str] = field(default_factory=list[str])
    complaints: list[str] = field(default_factory=list[str])

    def check(self, state: str) -> None:
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            # In the dark only colours are different.
            rules = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}
            found = Axe().run(self.page, options={"resultTypes": ["violations"], **rules})
            assert found.violations_count == 0, f"{state}, {scheme}: {found.generate_report()}"
        width = self.page.viewport_size
        self.page.set_viewport_size({"width": 320, "height": 700})
        over = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, f"{state} is {over} px too wide at 320"
        small = self.page.evaluate(SMALL_TARGETS)
        assert small == [], f"{state} has targets below 24 px: {small}"
        assert width is not None
        self.page.set_viewport_size(width)
        assert self.foreign == [], state
        assert not [text for text in self.complaints if "Content Security Policy" in text], self.complaints


SMALL_TARGETS = """() => [...document.querySelectorAll('main a, main button, main select, main input, footer a')]
  .filter(one => one.type !== 'hidden' && one.offsetParent !== null && !one.closest('label'))
  .map(one => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
  .filter(([, box]) => box.height < 24 || box.width < 24).map(([html]) => html)"""


@pytest.fixture(params=["de-DE", "en-GB"])
def locale(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def watched(site: Site, opened: Opener, locale: str) -> Watched:
    # The site's own script is kept away: these pages must do without, and axe brings its own.
    page = opened(locale, reduced_motion="reduce")
    page.route("**/static/zone.*.js", lambda route: route.abort())
    made = Watched(page)

    def note(answer: Response) -> None:
        if not answer.url.startswith(site.url):
            made.foreign.append(answer.url)

    page.on("response", note)
    page.on("console", lambda message: made.complaints.append(message.text))
    return made


def test_choosing_a_time(site: Site, watched: Watched) -> None:
    hosts = [site.host(name) for name in ("Ada Lindner", "Bernd Okafor", "Cleo Sanders", "Dora Vu", "Emil Ek")]
    address = site.calendar(
        hosts,
        description="Worum es geht.\nZweite Zeile.",
        location={"kind": "address", "value": "Lindenstraße 12, Berlin"},
    )
    later = site.calendar(hosts[:1], window={"kind": "range", "start": "2027-03-08", "end": "2027-03-09"})
    never = site.calendar(hosts[:1], window={"kind": "range", "start": "2026-03-08", "end": "2026-03-09"})
    retired = site.calendar(hosts[:1])
    site.retire(retired)
    for state, path in {
        "a month": f"/{address}",
        "a chosen day": f"/{address}?month=2027-02&day=2027-02-10&tz=Asia/Kathmandu#times",
        "a day without times": f"/{address}?day=2027-01-01",
        "an unknown zone": f"/{address}?tz=Mars/Olympus",
        "a month without a free day": f"/{later}",
        "never a free day": f"/{never}",
        "retired": f"/{retired}",
        "unknown": "/sonnenhof/nothing-here",
        "no such page": "/nowhere",
        "front": "/",
    }.items():
        watched.page.goto(path)
        watched.check(state)


def test_the_form(site: Site, watched: Watched, locale: str) -> None:
    words = words_of(locale)
    address = site.calendar([site.host("Ada Lindner")])
    path = f"/{address}/form?start=2027-01-12T10:00:00Z&tz=Europe/Berlin"
    page = watched.page
    page.goto(path)
    watched.check("form")
    page.get_by_text(words.say("form.companions"), exact=True).click()
    fill(page, words, "", "nobody@")
    page.get_by_label(words.say("form.companion_name")).first.fill("Charles")
    press(page, words, "form.book")
    watched.check("errors")
    fill(page, words, "Grace Hopper", "grace@example.org")
    page.get_by_label(words.say("form.companion_name")).first.fill("")
    with site.without_api():
        press(page, words, "form.book")
        see(page, words.say("again.title_away"))
        watched.check("again")
        page.goto("/sonnenhof/whatever")
        watched.check("away")
    page.goto(path)
    fill(page, words, "Grace Hopper", "grace@example.org")
    site.change(address, duration_minutes=45)
    press(page, words, "form.book")
    watched.check("calendar changed")
    site.book(address, "2027-01-12T11:00:00+01:00")
    press(page, words, "form.book")
    see(page, words.say("taken.title_slot_taken"))
    watched.check("taken")
    page.goto(f"/{address}/form?start=2027-01-12T02:00:00Z&tz=Europe/Berlin")
    fill(page, words, "Grace Hopper", "grace@example.org")
    press(page, words, "form.book")
    see(page, words.say("taken.title_slot_not_offered"))
    watched.check("not offered")


def test_a_booking(site: Site, watched: Watched, locale: str) -> None:
    words = words_of(locale)
    address = site.calendar(
        [site.host("Ada Lindner")], location={"kind": "link", "value": "https://meet.example.org/a"}
    )
    page = watched.page
    token = site.book(address, "2027-01-12T11:00:00+01:00", tz="America/New_York")["token"]
    page.goto(f"/b/{token}")
    see(page, words.say("booking.title_confirmed"))
    watched.check("confirmed, in another zone")
    page.goto(f"/b/{token}?asked=2027-01-20T10:00:00Z")
    watched.check("not moved")
    page.goto(f"/b/{token}/move?day=2027-01-12")
    watched.check("move")
    page.goto(f"/b/{token}/move?start=2027-01-13T10:00:00Z&tz=Europe/Berlin")
    watched.check("move to")
    site.book(address, "2027-01-13T11:00:00+01:00")
    press(page, words, "move.button")
    watched.check("move lost")
    page.get_by_role("button").first.click()
    see(page, words.say("booking.title_moved"))
    watched.check("moved")
    page.goto(f"/b/{token}/cancel")
    watched.check("cancel")
    press(page, words, "cancel.button")
    see(page, words.say("booking.title_cancelled"))
    watched.check("cancelled")
    strict = site.calendar(
        [site.host("Bernd Okafor")], cancel_cutoff_minutes=500_000, reschedule_cutoff_minutes=500_000
    )
    token = site.book(strict, "2027-01-12T11:00:00+01:00")["token"]
    for path in ("", "/move", "/cancel"):
        page.goto(f"/b/{token}{path}")
        watched.check(f"too late {path}")


def once_only(route: Route) -> None:
    """The page as it is, which does not read itself again while it is looked at."""
    answer = route.fetch()
    left_out = ("refresh", "content-encoding", "content-length")
    headers = {name: value for name, value in answer.headers.items() if name not in left_out}
    route.fulfill(status=answer.status, headers=headers, body=answer.body())


def test_a_request_without_an_answer(site: Site, watched: Watched, locale: str) -> None:
    words = words_of(locale)
    address = site.calendar([site.host("Ada Lindner")])
    page = watched.page
    body = {"calendar": address, "tz": "Europe/Berlin", "guest": {"name": "Grace", "email": "grace@example.org"}}
    with site.without("availability"):
        site.client.headers["Prefer"] = "wait=0"
        first, second = (site.post("/bookings", {**body, "start": "2027-01-12T11:00:00+01:00"}, 202) for _ in range(2))
        site.client.headers["Prefer"] = "wait=20"
        page.route(f"**/b/{first['token']}", once_only)
        page.goto(f"/b/{first['token']}")
        see(page, words.say("booking.title_requested"))
        watched.check("requested")
    titles = set()
    for one in (first, second):
        page.goto(f"/b/{one['token']}")
        while page.get_by_role("heading", level=1).inner_text() == words.say("booking.title_requested"):
            page.reload()
        titles.add(page.get_by_role("heading", level=1).inner_text())
        watched.check("decided")
    assert titles == {words.say("booking.title_confirmed"), words.say("booking.title_rejected")}


def test_every_page_of_the_console(site: Site, watched: Watched, shots: list[Shot]) -> None:
    page = watched.page
    page.context.add_cookies([{"name": COOKIE, "value": token_of(site), "url": site.url}])
    for shot in shots:
        if not shot.staff:
            continue
        page.goto(shot.path)
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        for selector, text in (shot.post or {}).items():
            page.locator(selector).first.click() if text == "press" else page.locator(selector).first.fill(text)
        watched.check(shot.name)


def test_why_a_time_is_not_free_in_a_large_team(site: Site, watched: Watched, locale: str) -> None:
    say, page = words_of(locale).say, watched.page
    names = [f"Teammate {letter} Schmidt-Wolkenstein" for letter in "ABCDEFGH"]
    members = [site.host(name, **({"days": [1]} if name < "Teammate D" else {})) for name in names]
    calendar_id = site.get("/calendars", address=site.calendar(members))["id"]
    page.context.add_cookies([{"name": COOKIE, "value": token_of(site), "url": site.url}])
    page.goto(f"/console/calendars/{calendar_id}/why?date=2027-01-12&time=10:00&lang={locale[:2]}")
    see(page, say("why.title"))
    expect(page.locator("#time-asked")).to_contain_text(say("why.counted", count=5, all=8))
    lines = page.get_by_role("list", name=say("why.lines", name=names[0]))
    expect(lines).to_be_hidden()
    watched.check("folded")
    for name in names[:5]:
        page.get_by_text(say("why.lines", name=name)).press("Enter")
    expect(lines).to_contain_text(say("against.outside_hours"))
    watched.check("unfolded")
    assert misshapen(page) == []


@pytest.fixture
def own_site(fresh_servers: StackThread) -> Iterator[Site]:
    """A site whose time can be moved."""
    running = Site(fresh_servers.endpoints)
    try:
        yield running
    finally:
        running.stop()


def test_what_is_over(own_site: Site, opened: Opener) -> None:
    words = words_of("de")
    site = own_site
    address = site.calendar([site.host("Ada Lindner")])
    page = opened(reduced_motion="reduce")
    past = site.book(address, "2027-01-04T16:00:00+01:00")
    body = {"calendar": address, "tz": "Europe/Berlin", "guest": {"name": "Grace", "email": "grace@example.org"}}
    with site.without("availability"):
        site.client.headers["Prefer"] = "wait=0"
        expired = site.post("/bookings", {**body, "start": "2027-01-12T11:00:00+01:00"}, 202)
        site.later(minutes=2)
        page.goto(f"{site.url}/b/{expired['token']}")
        while page.get_by_role("heading", level=1).inner_text() == words.say("booking.title_requested"):
            page.reload()
    site.later(hours=12)
    for booking, title in ((expired, "expired"), (past, "past")):
        page.goto(f"{site.url}/b/{booking['token']}")
        see(page, words.say(f"booking.title_{title}"))
        Watched(page).check(title)


def test_a_page_loads_little_from_here_only_and_everything_may_be_kept(site: Site, opened: Opener) -> None:
    address = site.calendar([site.host("Ada Lindner")])
    token = site.book(address, "2027-01-12T11:00:00+01:00")["token"]
    form = f"/{address}/form?start=2027-01-12T12:00:00Z&tz=Europe/Berlin"
    for path in ("/sonnenhof", f"/{address}", form, f"/b/{token}"):
        page = opened()
        answers: list[Response] = []
        page.on("response", lambda answer, kept=answers: kept.append(answer))
        page.goto(path, wait_until="load")
        assert sum(len(answer.body()) for answer in answers if not 300 <= answer.status < 400) <= LARGEST_PAGE_BYTES
        assert [answer.url for answer in answers if not answer.url.startswith(site.url)] == []
        for answer in answers:
            expected = "immutable" if "/static/" in answer.url else "no-store"
            assert re.search(expected, answer.headers.get("cache-control", "")), answer.url
            assert "set-cookie" not in answer.headers
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["x-content-type-options"] == "nosniff"
            if answer.request.resource_type == "document" and answer.status == 200:
                policy = answer.headers["content-security-policy"]
                assert "default-src 'none'" in policy
                assert "unsafe" not in policy
                assert answer.headers["content-encoding"] == "gzip"
