"""A request of somebody who works here: who they are, the API with their rights, and the frame of their pages.

The session's token lies in a cookie that scripts cannot read and that browsers do not send along with a form of another
site (`SameSite=Lax`). Besides, a form that came from elsewhere is refused by what the browser itself says about it
(`own_site_only`), so no form carries a token of its own.
"""

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, away
from services.web.adapters.words import languages
from services.web.domain.forms import Form, Sent, Wrong, last
from services.web.domain.staff import NewSession, SeenSession
from services.web.routes.visit import Reader, Visit, asking_of, reader_of, sent_pairs
from turnus_runtime.http import FORBIDDEN, On
from turnus_runtime.http.gates import CREDENTIAL_MISSING

COOKIE = "turnus_session"
MOST_FIELDS = 4000
"""A form with 500 members has several fields of each."""
PRIVATE = {"X-Robots-Tag": "noindex, nofollow"}
_ABOUT_ONE = re.compile(r"/console/bookings/bk_")
NAVIGATION: Sequence[tuple[str, Sequence[tuple[str, str, str, str]]]] = (
    (
        "",
        (
            ("overview", "/console", "home", ""),
            ("bookings", "/console/bookings", "day", "bookings:view"),
        ),
    ),
    (
        "webtools",
        (
            ("calendars", "/console/calendars", "calendars", "calendars:view"),
            ("groups", "/console/groups", "list", "groups:view"),
        ),
    ),
    (
        "profile",
        (("availability", "/console/availability", "time", ""), ("account", "/console/profile", "person", "")),
    ),
    (
        "settings",
        (
            ("team", "/console/team", "people", "team:view"),
            ("notifications", "/console/notifications", "mail", "calendars:view"),
            ("api_keys", "/console/api-keys", "key", ""),
            ("audit_log", "/console/audit-log", "note", "settings:manage"),
            ("operations", "/console/operations", "pulse", "operations:view"),
        ),
    ),
)
"""The console's menu: groups of (page, address, icon, permission without which it is not offered)."""


@dataclass(frozen=True, slots=True)
class Desk(Visit):
    """The visit of somebody who is signed in: `asking` acts with their rights."""

    who: SeenSession

    @property
    def place(self) -> str | None:
        """On pages about a booking: the place in the list from which it was opened (`domain/booking_list.py`)."""
        return self.request.query_params.get("list") if _ABOUT_ONE.match(self.request.url.path) else None

    def carried(self) -> list[tuple[str, str]]:
        """See `Reader.carried`; the place in the list too, as long as the pages are about the same booking."""
        return [*Reader.carried(self), *([("list", self.place)] if self.place else [])]

    def url(self, path: str, /, **params: str | None) -> str:
        """See `Reader.url`; pages about something else do not carry the place in the list of bookings."""
        told = {name: value for name, value in params.items() if value is not None}
        told = dict(self.carried() if _ABOUT_ONE.match(path) else Reader.carried(self)) | told
        return f"{path}?{urlencode(told)}" if told else path

    def may(self, scope: str, *, of_all: bool = False) -> bool:
        """Whether their role or permissions let them. `of_all`: with what is everybody's, not only assigned to them."""
        return scope in self.who.scopes and not (of_all and self.who.assigned_only)

    def need(self, scope: str, *, of_all: bool = False) -> None:
        """Raises 403 for a page that they may not have."""
        if not self.may(scope, of_all=of_all):
            raise FORBIDDEN

    def page(
        self, template: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
    ) -> Response:
        """A page of the console in its frame. `here` names its entry of the menu."""
        menu = [
            (group, [entry for entry in entries if not entry[3] or self.may(entry[3])]) for group, entries in NAVIGATION
        ]
        done, refused = (self.request.query_params.get(name, "") for name in ("done", "refused"))
        if refused and not self.words.knows(f"refused.{refused}"):
            refused = "other"
        return Reader.page(
            self,
            f"console/{template}",
            status,
            {**PRIVATE, **(headers or {})},
            desk=self,
            who=self.who,
            menu=[group for group in menu if group[1]],
            done=done if self.words.knows(f"done.{done}") else None,
            refused=refused or None,
            now=self.now,
            **values,
        )

    def done(self, path: str, what: str, **params: str | None) -> Response:
        """After a form was carried out: go to this page, which says so (`done.<what>`)."""
        return self.redirect(path, done=what, **params)


def ask_once(
    desk: Desk,
    here: str,
    what: str,
    path: str,
    leave: str,
    *,
    version: int | None = None,
    carried: Mapping[str, str | None] = {},
    **values: str,
) -> Response:
    """The page that asks before something is gone for good, and says what will happen.

    `what` names its words: `<what>.title`, `<what>.happens`, `<what>.button`; `path` is where the form goes, which says
    that it was asked (`is_sure`) and, if there is one, which `version` was looked at. A form that came without having
    been asked gets this page and does nothing. `carried`: what both addresses say.
    """
    say = desk.words.say
    return desk.page(
        "confirm.html",
        here=here,
        title=say(f"{what}.title", **values),
        happens=say(f"{what}.happens", **values),
        button=say(f"{what}.button"),
        action=desk.url(path, **carried),
        leave=desk.url(leave, **carried),
        version=version,
    )


def is_sure(sent: Sent) -> bool:
    """Whether a form comes from a page that said what will happen."""
    return last(sent, "sure") == "yes"


async def sent_by(request: Request) -> Sent:
    """The fields of a form of the console. Raises 413."""
    sent: dict[str, list[str]] = {}
    for name, value in await sent_pairs(request, MOST_FIELDS):
        sent.setdefault(name, []).append(value)
    return sent


def refused_page(refused: ApiRefused) -> Exception:
    """What a page says when the API refuses what its reader may not do."""
    return FORBIDDEN() if refused.status == 403 else away()


@contextmanager
def as_pages() -> Generator[None]:
    """For what a page cannot do without: an API that is away or refuses becomes a page that says so."""
    try:
        yield
    except ApiAway:
        raise away() from None
    except ApiRefused as refused:
        raise refused_page(refused) from None


def key_of(sent: Sent, fresh: str) -> str:
    """The idempotency key of a form that was sent; a fresh one for what none of our pages has made."""
    found = re.fullmatch(r"[A-Za-z0-9_]{8,100}", last(sent, "key"))
    return found[0] if found else fresh


def next_key(refused: ApiRefused, key: str, fresh: str) -> str:
    """The key of the form that is shown again: one that stands for another request is of no use any more."""
    return fresh if refused.code == "idempotency_key_reused" else key


def version_of(sent: Sent) -> int:
    """The version that a form was made from; 0, which nothing has, if it does not say so."""
    found = re.fullmatch(r"\d{1,9}", last(sent, "version"), re.ASCII)
    return int(found[0]) if found else 0


async def own_site_only(request: Request) -> None:
    """Refuse a form that another site made the browser send.

    Browsers say where a request comes from (`Sec-Fetch-Site`; older ones `Origin`), and no page can change that. Who
    says neither is no browser, and has no cookie that was not put there on purpose.
    """
    if request.method in ("GET", "HEAD"):
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:
        foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if foreign:
        raise FORBIDDEN("This form was sent by another site.")


async def desk_of(request: Request, on: On) -> Desk:
    """Who is signed in. Raises 401 (the page to sign in, with all that was sent), and 503 when the API is away."""
    if request.method == "POST":
        request.state.sent = await sent_pairs(request, MOST_FIELDS)
    token = session_token(request, on)
    if not token:
        raise CREDENTIAL_MISSING
    asking = asking_of(request, on).bearing(token)
    try:
        who = await asking.read(SeenSession, "/sessions/current")
    except ApiRefused as refused:
        raise (CREDENTIAL_MISSING if refused.status == 401 else FORBIDDEN) from None
    except ApiAway:
        raise away() from None
    reader = reader_of(request)
    words = reader.words if reader.asked else languages().get(who.member.locale[:2], reader.words)
    return Desk(request, words, reader.asked, False, asking, on.now, on.settings.public_url, on.ids.fresh("try"), who)


Here = Annotated[Desk, Depends(desk_of)]
"""`desk: Here`."""
SentForm = Annotated[Sent, Depends(sent_by)]
"""`sent: SentForm`."""


def cookie_name(public_url: str) -> str:
    """With `__Host-` where it can be kept: such a cookie belongs to this very host, over TLS."""
    return f"__Host-{COOKIE}" if public_url.startswith("https://") else COOKIE


def session_token(request: Request, on: On) -> str:
    """The token in the cookie; empty if there is none, or what is there is no token."""
    found = request.cookies.get(cookie_name(on.settings.public_url), "")
    return found if re.fullmatch(r"[A-Za-z0-9._~+/=-]{1,4000}", found) else ""


def signed_in(response: Response, session: NewSession, public_url: str) -> Response:
    """Let the browser keep the session, until it ends."""
    response.set_cookie(
        cookie_name(public_url),
        session.token or "",
        expires=session.expires_at,
        path="/",
        secure=public_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )
    return response


def signed_out(response: Response, public_url: str) -> Response:
    """Let the browser forget the session."""
    secure = public_url.startswith("https://")
    response.delete_cookie(cookie_name(public_url), path="/", secure=secure, httponly=True, samesite="lax")
    return response


def refused_form(form: Form, refused: ApiRefused, fields: Mapping[str, str]) -> tuple[Form, str | None]:
    """The form with what the API refused beside its fields, and the notice above it (`refused.<code>`).

    `fields` leads from the API's names to those on the page, if they differ; what is not on the page has only a notice.
    """
    errors: dict[str, Wrong] = {}
    for path in refused.fields:
        first = path.partition(".")[0]
        name = fields.get(path) or fields.get(first) or first
        if name in form.raw:
            errors[name] = Wrong(f"wrong.{refused.code}" if refused.code in FIELD_CODES else "wrong.refused")
    return form.with_errors(errors), None if errors else refused.code


FIELD_CODES = ("slug_taken", "member_unknown")
"""Codes that say themselves what is wrong with the field."""
