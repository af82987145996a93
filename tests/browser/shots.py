"""Every page of guests and of the console, with the data of a small team behind it."""

from collections.abc import Iterator
from dataclasses import dataclass

from playwright._impl._api_structures import SetCookieParam
from playwright.sync_api import Page

from services.web.domain.staff import NewSession
from services.web.routes.console.desk import COOKIE
from tests.browser.site import OWNER_EMAIL, OWNER_PASSWORD, Site

DAY = "2027-01-12"


@dataclass(frozen=True)
class Shot:
    """A page: its name and address; `post` are the fields of a form that is sent there instead."""

    name: str
    path: str
    post: dict[str, str] | None = None
    staff: bool = True


def token_of(site: Site) -> str:
    body = {"workspace": "sonnenhof", "email": OWNER_EMAIL, "password": OWNER_PASSWORD}
    return NewSession.model_validate(site.post("/sessions", body, 201)).token or ""


def session_of(site: Site) -> SetCookieParam:
    """The cookie of the owner's session."""
    return {"name": COOKIE, "value": token_of(site), "url": site.url}


def show(page: Page, shot: Shot, language: str, session: SetCookieParam) -> None:
    """Open a page in this language, with this session if it is one of staff, and do there what the shot says."""
    page.context.clear_cookies()
    if shot.staff:
        page.context.add_cookies([session])
    path, _, fragment = shot.path.partition("#")
    page.goto(f"{path}{'&' if '?' in path else '?'}lang={language}{'#' + fragment if fragment else ''}")
    for selector, text in (shot.post or {}).items():
        found = page.locator(selector).first
        if text == "press":
            found.click()
        elif text == "check":
            found.check()
        else:
            found.fill(text)


def shots_of(site: Site) -> Iterator[Shot]:
    """The team, its calendars and bookings, and every page that shows them."""
    ada, bernd, cleo = (site.host(name) for name in ("Ada Lindner", "Bernd Okafor", "Cleo Sanders"))

    talk = site.calendar(
        [ada],
        slug="erstgespraech",
        name="Erstgespräch",
        description="Wir lernen uns kennen und klären, was du brauchst.",
        location={"kind": "link", "value": "https://meet.example.org/ada"},
    )
    support = site.calendar([ada, bernd, cleo], slug="support", name="Support", duration_minutes=45, optimize="equal")
    dora = site.host("Dora Weiss", days=[1, 2, 3, 4, 5])
    dates = [
        {"date": "2027-05-06"},
        {"date": "2027-05-27", "ranges": [{"start": "09:00", "end": "11:30"}], "label": "Inventur"},
        {"date": "2027-11-01", "label": "Allerheiligen"},
    ]
    weekly = [{"days": [1, 2, 3, 4, 5], "start": "09:00", "end": "17:00"}]
    hours = {"member_id": dora, "name": "Hours", "tz": "Europe/Berlin", "weekly": weekly, "overrides": dates}
    site.post("/schedules", hours, 201, staff=True)
    closed = site.calendar([bernd], slug="alt", name="Früheres Angebot")
    site.retire(closed)
    strategy = site.calendar([ada, bernd], slug="strategie", name="Strategiegespräch", duration_minutes=60)
    site.change(
        strategy,
        duration_minutes=90,
        description="Ein Blick auf das nächste halbe Jahr.",
        members=[{"member_id": ada, "weight": 2}, {"member_id": cleo}],
        window={"kind": "rolling", "count": 8, "unit": "weeks", "counting": "calendar"},
    )
    site.change(strategy, location={"kind": "phone", "value": "+49 30 1234567"}, cancel_cutoff_minutes=1440)
    strategy_id = site.get("/calendars", address=strategy)["id"]
    scarce = {"limits": {"day": 6, "month": 60}, "look_busy_percent": 30}
    site.patch(f"/calendars/{strategy_id}", name="Strategie & Planung", buffer_after_minutes=15, **scarce)
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
    for day in ("2027-01-05", "2027-01-06", "2027-01-07", "2027-01-08"):
        site.book(support, f"{day}T10:30:00+01:00")
    abroad = site.book(talk, "2027-01-13T16:00:00+01:00", tz="America/New_York")
    overbooking = {"host_id": ada, "overbook": True, "reason": "Kommt von weit her und kann nur an diesem Tag."}
    guest = {"name": "Mary Jackson", "email": "mary@example.org"}
    late = {"calendar": talk, "start": "2027-01-15T15:00:00+01:00", "tz": "Europe/Berlin", "guest": guest}
    overbooked = site.post("/bookings", {**late, **overbooking}, 201, staff=True)
    talk_id, support_id = (site.get("/calendars", address=one)["id"] for one in (talk, support))
    group = {
        "slug": "kundenbetreuung",
        "name": "Kundenbetreuung",
        "description": "Schnelle Hilfe für alle, die schon bei uns sind.",
    }
    group_id = site.post("/groups", {**group, "calendar_ids": [support_id, talk_id]}, 201, staff=True)["id"]
    site.post("/groups", {"slug": "intern", "name": "Intern", "status": "inactive"}, 201, staff=True)
    site.given_up("availability", "BookingRequested", str(booked[0]["id"]))
    unreadable = {"error": "ValidationError", "error_detail": "unreadable: weekly.0.start, zone"}
    site.given_up("availability", "CalendarPublished", str(talk_id), **unreadable)
    site.given_up("notify", "GuestDetailsGiven", str(booked[1]["id"]))
    dora = site.host("Dora Vogt")
    site.post(f"/members/{dora}/pause", {"until": "2027-02-01"}, 200, staff=True)
    allowed = {"calendars": "view", "bookings": "manage", "groups": "none", "assigned_only": True}
    site.permit(bernd, allowed)
    summer = [{"days": [1, 2, 3, 4, 5], "start": "07:30", "end": "13:00"}]
    hours = {"member_id": cleo, "name": "Sommer", "tz": "Europe/Berlin", "weekly": summer, "default": False}
    summer_id = site.post("/schedules", {**hours, "calendar_ids": [support_id]}, 201, staff=True)["id"]
    lunch = [{"start": f"{DAY}T12:00:00+01:00", "end": f"{DAY}T13:00:00+01:00"}]
    site.post("/blocks", {"member_id": bernd, "items": lunch}, 201, staff=True)
    busy = {"duration_minutes": 30, "look_busy_percent": 40, "limits": {"day": 5}, "buffer_before_minutes": 15}
    wanted = site.calendar([ada, bernd, cleo], slug="gefragt", name="Sprechstunde", **busy)
    for hour in (9, 11):
        free = site.slots(wanted, DAY)
        site.book(wanted, min(free, key=lambda at: abs(int(at[11:13]) - hour)))
    wanted_id = site.get("/calendars", address=wanted)["id"]
    why = f"/console/calendars/{wanted_id}/why"
    bookings = "/console/bookings"
    yield from (
        Shot("guest-workspace", "/sonnenhof", staff=False),
        Shot("guest-group", "/sonnenhof?group=kundenbetreuung", staff=False),
        Shot("guest-month", f"/{talk}?month=2027-01&day={DAY}", staff=False),
        Shot("guest-form", f"/{talk}/form?start={DAY}T10:00:00Z&tz=Europe/Berlin", staff=False),
        Shot("guest-booking", f"/b/{booked[0]['token']}", staff=False),
        Shot("guest-move", f"/b/{booked[0]['token']}/move?day={DAY}", staff=False),
        Shot("guest-cancel", f"/b/{booked[0]['token']}/cancel", staff=False),
        Shot("guest-unknown", "/sonnenhof/nowhere", staff=False),
        Shot("styleguide", "/styleguide", staff=False),
        Shot("sign-in", "/console/sign-in", staff=False),
        Shot("sign-in-wrong", "/console/sign-in", {"#email": "x", "button.main": "press"}, staff=False),
        Shot("start", "/console/start", staff=False),
        Shot("overview", "/console"),
        Shot("bookings", bookings),
        Shot("bookings-none", f"{bookings}?from=2028-01-01"),
        Shot("bookings-found", f"{bookings}?q=an&sort=-created_at"),
        Shot("bookings-not-found", f"{bookings}?q=wanda&from=2027-01-04"),
        Shot("bookings-wrong", f"{bookings}?from=2027-01-04&to=2027-01-01"),
        Shot("booking-personal", f"{bookings}/{booked[0]['id']}"),
        Shot("booking-team", f"{bookings}/{booked[2]['id']}"),
        Shot("booking-abroad", f"{bookings}/{abroad['id']}"),
        Shot("booking-overbooked", f"{bookings}/{overbooked['id']}"),
        Shot("booking-move", f"{bookings}/{booked[0]['id']}/move"),
        Shot("booking-move-to", f"{bookings}/{booked[0]['id']}/move?start=2027-01-14T10:00:00Z"),
        Shot("booking-cancel", f"{bookings}/{booked[0]['id']}/cancel"),
        Shot("booking-hand-over", f"{bookings}/{booked[1]['id']}/hand-over"),
        Shot("calendars", "/console/calendars"),
        Shot("kinds", "/console/calendars/new"),
        Shot("calendar-new-personal", "/console/calendars/new/personal"),
        Shot("calendar-new-wrong", "/console/calendars/new/round_robin", {"button.strong": "press"}),
        Shot("calendar-scarce", f"/console/calendars/{strategy_id}"),
        Shot(
            "calendar-scarce-wrong",
            f"/console/calendars/{strategy_id}",
            {"#look_busy_percent": "95", "#limit_day": "0", "button.strong": "press"},
        ),
        Shot("calendar-personal", f"/console/calendars/{talk_id}"),
        Shot("calendar-team", f"/console/calendars/{support_id}"),
        Shot("calendar-draft", f"/console/calendars/{draft_id}"),
        Shot("versions", f"/console/calendars/{strategy_id}/versions"),
        Shot("versions-none", f"/console/calendars/{draft_id}/versions"),
        Shot("version-take", f"/console/calendars/{strategy_id}/versions/2/take"),
        Shot("preview-draft", f"/console/calendars/{draft_id}/preview"),
        Shot("preview-published", f"/console/calendars/{strategy_id}/preview"),
        Shot("preview-form", f"/console/calendars/{strategy_id}/preview/form"),
        Shot("preview-tried", f"/console/calendars/{draft_id}/preview/form", {"button.main": "press"}),
        Shot("preview-look-busy", f"/console/calendars/{wanted_id}/preview?month=2027-01&day={DAY}"),
        Shot("why", f"{why}?date={DAY}"),
        Shot("why-time", f"{why}?date={DAY}&time=12:00"),
        Shot("why-past", f"{why}?date=2027-01-04&time=06:30"),
        Shot("why-wrong", f"{why}?date={DAY}&time=noon"),
        Shot("why-draft", f"/console/calendars/{draft_id}/why"),
        Shot("calendar-retire", f"/console/calendars/{talk_id}/retire"),
        Shot("groups", "/console/groups"),
        Shot("group-new", "/console/groups/new"),
        Shot("group", f"/console/groups/{group_id}"),
        Shot("group-remove", f"/console/groups/{group_id}/remove"),
        Shot("availability", "/console/availability"),
        Shot("availability-other", f"/console/availability?member={ada}&month=2027-01&day={DAY}#dates"),
        Shot("availability-named", f"/console/availability?member={dora}&month=2027-11&day=2027-11-01"),
        Shot("availability-schedules", f"/console/availability?member={cleo}&schedule={summer_id}"),
        Shot(
            "availability-limits-wrong",
            f"/console/availability?member={cleo}",
            {"#limit_day": "0", "#limits button": "press"},
        ),
        Shot("schedule", f"/console/availability/schedules/{summer_id}?member={cleo}"),
        Shot("schedule-new", f"/console/availability/schedules/new?member={cleo}"),
        Shot("schedule-remove", f"/console/availability/schedules/{summer_id}/remove?member={cleo}"),
        Shot("holidays", f"/console/availability/holidays?member={dora}&country=DE&region=DE-BY&year=2027"),
        Shot("holidays-none", "/console/availability/holidays?country=UA&year=2027"),
        Shot("team", "/console/team"),
        Shot("team-new", "/console/team/new"),
        Shot("team-member", f"/console/team/{bernd}"),
        Shot("team-paused", f"/console/team/{dora}"),
        Shot("team-pause", f"/console/team/{bernd}/pause"),
        Shot("team-remove", f"/console/team/{bernd}/remove"),
        Shot("profile", "/console/profile"),
        Shot("notifications", "/console/notifications"),
        Shot("template", "/console/notifications/booked.guest.de"),
        Shot("delivery-log", "/console/notifications/log"),
        Shot("forgot", "/console/forgot", staff=False),
        Shot("link-over", "/console/welcome/ivt_nothing-at-all", staff=False),
        Shot("api-keys", "/console/api-keys"),
        Shot("audit-log", "/console/audit-log"),
        Shot("operations", "/console/operations"),
        Shot("operations-letters", "/console/operations/availability"),
        Shot("shortcuts", "/console/shortcuts"),
        Shot("console-unknown", "/console/nowhere"),
    )
