"""Every page of guests and of the console, with the data of a small team behind it."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.web.domain.staff import NewSession
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
    group = {
        "slug": "kundenbetreuung",
        "name": "Kundenbetreuung",
        "description": "Schnelle Hilfe für alle, die schon bei uns sind.",
    }
    group_id = site.post("/groups", {**group, "calendar_ids": [support_id, talk_id]}, 201, staff=True)["id"]
    site.post("/groups", {"slug": "intern", "name": "Intern", "status": "inactive"}, 201, staff=True)
    allowed = {"calendars": "view", "bookings": "manage", "groups": "none", "assigned_only": True}
    site.permit(bernd, allowed)
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
        Shot("groups", "/console/groups"),
        Shot("group-new", "/console/groups/new"),
        Shot("group", f"/console/groups/{group_id}"),
        Shot("group-remove", f"/console/groups/{group_id}/remove"),
        Shot("availability", "/console/availability"),
        Shot("availability-other", f"/console/availability?member={ada}&month=2027-01&day={DAY}#dates"),
        Shot("team", "/console/team"),
        Shot("team-new", "/console/team/new"),
        Shot("team-member", f"/console/team/{bernd}"),
        Shot("team-remove", f"/console/team/{bernd}/remove"),
        Shot("profile", "/console/profile"),
        Shot("notifications", "/console/notifications"),
        Shot("template", "/console/notifications/booked.guest.de"),
        Shot("delivery-log", "/console/notifications/log"),
        Shot("forgot", "/console/forgot", staff=False),
        Shot("link-over", "/console/welcome/ivt_nothing-at-all", staff=False),
        Shot("api-keys", "/console/api-keys"),
        Shot("audit-log", "/console/audit-log"),
        Shot("forbidden", "/console/nowhere"),
    )
