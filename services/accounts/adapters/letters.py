"""The mails of accounts: an invitation, a password reset. The link in them is the only place where a token stands."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_date, format_time
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from services.accounts.adapters.catalogue import Catalogue, catalogue, catalogues
from services.accounts.domain.identities import Identity, Reset
from services.accounts.domain.members import Invitation, Member
from services.accounts.domain.workspaces import Workspace
from turnus_runtime.ports import Mail


@dataclass(frozen=True, slots=True)
class Sender:
    """From whom mails come, and the address that people see."""

    address: str
    name: str
    public_url: str

    @property
    def domain(self) -> str:
        """The right side of Message-IDs."""
        return urlsplit(self.public_url).hostname or "localhost"


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the mail: a label and its text; `url` makes it a link."""

    label: str
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class _To:
    """The receiver as the mail needs them; without a name if none is known."""

    name: str
    email: str
    tz: str
    words: Catalogue


def open_letters() -> None:
    """Read catalogues and templates, so that a broken one stops the process before it serves."""
    catalogues()
    for name in ("mail.txt", "mail.html"):
        _templates().get_template(name)


def invitation(
    member: Member, told: Invitation, inviter: Member | None, workspace: Workspace, token: str, sender: Sender
) -> Mail:
    """The mail that lets a member in. Its Message-ID is the invitation's: a second sending is seen to be one."""
    to = _To(member.name, told.email, member.tz, catalogue(member.locale))
    rows = [
        _Row(to.words.text("label.workspace"), workspace.name),
        *([_Row(to.words.text("label.invited_by"), inviter.name)] if inviter is not None else []),
        _Row(to.words.text("label.email"), told.email),
        _Row(to.words.text("label.until"), _when(told.expires_at, to)),
    ]
    link = f"{sender.public_url}/console/welcome/{token}"
    values = {"workspace": workspace.name}
    named = Sender(sender.address, workspace.name, sender.public_url)
    return _mail("invitation", to, rows, link, values, f"{member.id}.{told.nonce}", named)


def reset(identity: Identity, told: Reset, member: Member | None, token: str, sender: Sender) -> Mail:
    """The mail that lets somebody set a new password; `member` says how to speak to them."""
    to = _To("", identity.email, "UTC", catalogue(""))
    if member is not None:
        to = _To(member.name, member.email, member.tz, catalogue(member.locale))
    rows = [
        _Row(to.words.text("label.email"), identity.email),
        _Row(to.words.text("label.until"), _when(told.expires_at, to)),
    ]
    link = f"{sender.public_url}/console/reset/{token}"
    return _mail("reset", to, rows, link, {}, f"reset.{told.nonce}", sender)


def _mail(kind: str, to: _To, rows: list[_Row], link: str, values: dict[str, str], about: str, sender: Sender) -> Mail:
    words = to.words
    subject = words.text(f"{kind}.subject", **values)
    page: dict[str, Any] = {
        "language": words.language,
        "subject": subject,
        "greeting": words.text("greeting", name=to.name) if to.name else words.text("greeting.nameless"),
        "lead": words.text(f"{kind}.lead", **values),
        "rows": rows,
        "width": max(len(row.label) for row in rows) + 2,
        "button": _Row("", words.text(f"{kind}.action"), link),
        "unasked": words.text(f"{kind}.unasked"),
        "footer": words.text("footer", sender=sender.name),
    }
    return Mail(
        message_id=f"{about}@{sender.domain}",
        sender=sender.address,
        sender_name=sender.name,
        to=to.email,
        to_name=to.name,
        subject=subject,
        text=_templates().get_template("mail.txt").render(page),
        html=_templates().get_template("mail.html").render(page),
        headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
    )


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("services.accounts", "templates"),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _when(instant: datetime, to: _To) -> str:
    """`Montag, 11. Januar 2027, 09:00 Uhr (Europe/Berlin)`, in the receiver's own zone."""
    local = instant.astimezone(_zone(to.tz))
    return to.words.text(
        "when",
        date=format_date(local, "full", locale=to.words.language),
        time=format_time(local, "short", locale=to.words.language),
        zone=_zone(to.tz).key,
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
