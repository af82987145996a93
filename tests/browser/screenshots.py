"""`make screenshots`: every page of guests and of the console, in both languages, three widths, light and dark.

    python -m tests.browser.screenshots [--only WORD …] [--widths 360 …] [--schemes light dark] [--locales de en]

Real data of a small team, made by the API. The pictures: `build/screenshots/<page>-<locale>-<width>-<scheme>.png`.
"""

import argparse
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from services.web.domain.staff import NewSession
from services.web.routes.console.desk import COOKIE
from tests.browser.conftest import CHROMIUM, QUIET
from tests.browser.site import OWNER_EMAIL, OWNER_PASSWORD, Site
from tests.support.stack import StackThread

OUT = Path(__file__).parents[2] / "build" / "screenshots"
DAY = "2027-01-12"


@dataclass(frozen=True)
class Shot:
    """A page: its name and address; `post` are the fields of a form that is sent there instead."""

    name: str
    path: str
    post: dict[str, str] | None = None
    staff: bool = True


def main() -> None:
    """Make the pictures."""
    asked = _arguments()
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        servers = StackThread(Path(folder) / "data")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            site = Site(servers.endpoints)
            try:
                shots = [one for one in _shots(site) if not asked.only or any(word in one.name for word in asked.only)]
                cookie = {"name": COOKIE, "value": _token(site), "url": site.url}
                for locale in asked.locales:
                    for width in asked.widths:
                        context = browser.new_context(
                            base_url=site.url,
                            locale=f"{locale}-{'DE' if locale == 'de' else 'GB'}",
                            timezone_id="Europe/Berlin",
                            viewport={"width": width, "height": 900},
                            reduced_motion="reduce",
                        )
                        page = context.new_page()
                        for one in shots:
                            context.clear_cookies()
                            if one.staff:
                                context.add_cookies([cookie])  # type: ignore[list-item]
                            _take(page, one, locale, width, asked.schemes)
                        context.close()
            finally:
                site.stop()
        finally:
            browser.close()
            servers.stop()
    sys.stdout.write(f"{len(list(OUT.glob('*.png')))} pictures in {OUT}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--widths", nargs="+", type=int, default=[360, 768, 1280])
    parser.add_argument("--schemes", nargs="+", default=["light", "dark"])
    parser.add_argument("--locales", nargs="+", default=["de", "en"])
    return parser.parse_args()


def _take(page: Page, one: Shot, locale: str, width: int, schemes: Sequence[Any]) -> None:
    lang = f"{'&' if '?' in one.path else '?'}lang={locale}"
    path, _, fragment = one.path.partition("#")
    page.goto(f"{path}{lang}{'#' + fragment if fragment else ''}")
    if one.post is not None:
        for selector, text in one.post.items():
            found = page.locator(selector).first
            if text == "press":
                found.click()
            elif text == "check":
                found.check()
            else:
                found.fill(text)
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=OUT / f"{one.name}-{locale}-{width}-{scheme}.png", full_page=True)


def _token(site: Site) -> str:
    body = {"workspace": "sonnenhof", "email": OWNER_EMAIL, "password": OWNER_PASSWORD}
    return NewSession.model_validate(site.post("/sessions", body, 201)).token or ""


def _shots(site: Site) -> Iterator[Shot]:
    """The team, its calendars and bookings, and every page that shows them."""
    ada, bernd, cleo = (site.host(name) for name in ("Ada Lindner", "Bernd Okafor", "Cleo Sanders"))

    talk = site.calendar(
        [ada],
        slug="erstgespraech",
        name="Erstgespräch",
        description="Wir lernen uns kennen und klären, was du brauchst.",
        location={"kind": "link", "value": "https://meet.example.org/ada"},
    )
    support = site.calendar([ada, bernd, cleo], slug="support", name="Support", duration_minutes=45)
    closed = site.calendar([bernd], slug="alt", name="Früheres Angebot")
    site.retire(closed)
    draft = {"kind": "personal", "slug": "entwurf", "name": "Beratung (neu)", "tz": "Europe/Berlin"}
    draft_id = site.post("/calendars", draft, 201, staff=True)["id"]
    guests = (
        ("Grace Hopper", talk, f"{DAY}T10:00:00+01:00"),
        ("Katherine Johnson", support, f"{DAY}T11:15:00+01:00"),
        ("Margaret Hamilton", support, f"{DAY}T11:15:00+01:00"),
        ("Dorothy Vaughan", talk, "2027-01-04T15:00:00+01:00"),
        ("Annie Easley", support, "2027-01-04T15:45:00+01:00"),
    )
    booked = [
        site.book(address, start, guest={"name": name, "email": f"{name.split()[0].lower()}@example.org"})
        for name, address, start in guests
    ]
    abroad = site.book(talk, "2027-01-13T16:00:00+01:00", tz="America/New_York")
    talk_id, support_id = (site.get("/calendars", address=one)["id"] for one in (talk, support))
    bookings = "/console/bookings"
    yield from (
        Shot("guest-month", f"/{talk}?month=2027-01&day={DAY}", staff=False),
        Shot("guest-form", f"/{talk}/form?start={DAY}T10:00:00Z&tz=Europe/Berlin", staff=False),
        Shot("guest-booking", f"/b/{booked[0]['token']}", staff=False),
        Shot("guest-move", f"/b/{booked[0]['token']}/move?day={DAY}", staff=False),
        Shot("guest-cancel", f"/b/{booked[0]['token']}/cancel", staff=False),
        Shot("guest-unknown", "/sonnenhof/nowhere", staff=False),
        Shot("sign-in", "/console/sign-in", staff=False),
        Shot("sign-in-wrong", "/console/sign-in", {"#email": "x", "button.main": "press"}, staff=False),
        Shot("start", "/console/start", staff=False),
        Shot("overview", "/console"),
        Shot("bookings", bookings),
        Shot("bookings-none", f"{bookings}?from=2028-01-01"),
        Shot("booking-personal", f"{bookings}/{booked[0]['id']}"),
        Shot("booking-team", f"{bookings}/{booked[2]['id']}"),
        Shot("booking-abroad", f"{bookings}/{abroad['id']}"),
        Shot("booking-move", f"{bookings}/{booked[0]['id']}/move"),
        Shot("booking-move-to", f"{bookings}/{booked[0]['id']}/move?start=2027-01-14T10:00:00Z"),
        Shot("booking-cancel", f"{bookings}/{booked[0]['id']}/cancel"),
        Shot("booking-hand-over", f"{bookings}/{booked[1]['id']}/hand-over"),
        Shot("calendars", "/console/calendars"),
        Shot("kinds", "/console/calendars/new"),
        Shot("calendar-new-personal", "/console/calendars/new/personal"),
        Shot("calendar-new-wrong", "/console/calendars/new/round_robin", {"button.strong": "press"}),
        Shot("calendar-personal", f"/console/calendars/{talk_id}"),
        Shot("calendar-team", f"/console/calendars/{support_id}"),
        Shot("calendar-draft", f"/console/calendars/{draft_id}"),
        Shot("calendar-retire", f"/console/calendars/{talk_id}/retire"),
        Shot("availability", "/console/availability"),
        Shot("availability-other", f"/console/availability?member={ada}&month=2027-01&day={DAY}#dates"),
        Shot("team", "/console/team"),
        Shot("team-new", "/console/team/new"),
        Shot("team-member", f"/console/team/{bernd}"),
        Shot("team-remove", f"/console/team/{bernd}/remove"),
        Shot("api-keys", "/console/api-keys"),
        Shot("audit-log", "/console/audit-log"),
        Shot("forbidden", "/console/nowhere"),
    )


if __name__ == "__main__":
    try:
        main()
    except Exception:  # noqa: BLE001 - the services' log has taken over what is told of an error that nobody catches
        traceback.print_exc()
        raise SystemExit(1) from None
