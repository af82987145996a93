"""From a message to the mail that is sent: words, times, text, HTML and invitation for one receiver.

A mail is a wording (subject and text, the workspace's own or the built-in one) around what every mail holds: when,
where and with whom, the link to the booking, the calendar entry. No wording takes anything of that away.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from services.notify.adapters import times, wordings
from services.notify.adapters.catalogue import Catalogue, catalogue, catalogues
from services.notify.adapters.invitation import Invitation, Person, written
from services.notify.domain.notices import (
    ADDITIONAL_GUEST,
    CANCELLED,
    CHANGED,
    GUEST,
    HOST,
    MOVED,
    WITHDRAWN,
    Appointment,
    Details,
    Message,
    Notice,
    Told,
    notification_id,
)
from services.notify.domain.projections import Calendar, Member, Workspace
from services.notify.domain.templates import template_name
from services.notify.domain.wording import Wording, filled
from turnus_contracts import Location
from turnus_runtime.ports import Mail


@dataclass(frozen=True, slots=True)
class Sender:
    """From whom, and the address that people see."""

    address: str
    public_url: str

    @property
    def domain(self) -> str:
        """The right side of UIDs and Message-IDs."""
        return urlsplit(self.public_url).hostname or "localhost"


@dataclass(frozen=True, slots=True)
class Known:
    """All that a mail is made of. `hosts`: the members whom the message or the booking names, by id.

    `wording`: the workspace's own words for it; None for the built-in ones. `trial`: of an appointment that never was:
    no calendar entry is attached, and the mail says so.
    """

    notice: Notice
    told: Told
    message: Message
    calendar: Calendar
    hosts: dict[str, Member]
    workspace: Workspace
    sender: Sender
    wording: Wording | None = None
    trial: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the mail: a label and its text; `url` makes it a link."""

    label: str
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class _To:
    """The receiver as the mail needs them."""

    name: str
    email: str
    tz: str
    words: Catalogue


def open_letters() -> None:
    """Read catalogues and templates, so that a broken one stops the process before it serves."""
    for words in catalogues().values():
        wordings.check(words)
    for name in ("mail.txt", "mail.html"):
        _templates().get_template(name)


def template_of(known: Known) -> str:
    """The template whose words the mail has."""
    return template_name(_variant(known), known.message.receiver, _receiver(known).words.language)


def mail(known: Known) -> Mail:
    """The mail of a message. Its Message-ID is the notification's id, so that a second sending is seen to be one."""
    to = _receiver(known)
    words = to.words
    built_in = wordings.built_in(_variant(known), known.message.receiver, words)
    values = _values(known, to)
    text = filled(known.wording or built_in, values)
    subject = text.subject or filled(built_in, values).subject
    facts = _facts(known, to)
    rows = [*_times(known, to), *facts]
    sender_name = known.workspace.name
    page: dict[str, Any] = {
        "language": words.language,
        "subject": subject,
        "above": text.above,
        "below": text.below,
        "rows": rows,
        "width": max(len(row.label) for row in rows) + 2,
        "button": _button(known, words),
        "footer": words.text("footer.trial" if known.trial else "footer", sender=sender_name),
    }
    invitation = _invitation(known, to, facts, sender_name)
    details = known.notice.details
    headers = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    if known.message.receiver == HOST and details is not None:
        headers["Reply-To"] = details.guest.email
    return Mail(
        message_id=f"{notification_id(known.notice.id, known.message.key)}@{known.sender.domain}",
        sender=known.sender.address,
        sender_name=sender_name,
        to=to.email,
        to_name=to.name,
        subject=subject,
        text=_templates().get_template("mail.txt").render(page),
        html=_templates().get_template("mail.html").render(page),
        calendar=None if known.trial else written(invitation),
        calendar_method=None if known.trial else invitation.method,
        headers=headers,
    )


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("services.notify", "templates"),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _receiver(known: Known) -> _To:
    message, details = known.message, known.notice.details
    if message.receiver == HOST:
        member = known.hosts[message.member_id or ""]
        return _To(member.name, member.email, member.tz, catalogue(member.locale))
    if details is None:
        raise LookupError(f"{message.key} has no receiver any more")
    guest = details.guest if message.receiver == GUEST else details.additional_guests[message.number]
    return _To(guest.name, guest.email, details.tz, catalogue(details.locale))


def _variant(known: Known) -> str:
    """The event, or `changed` for a move that changed something else than the time."""
    formerly = known.notice.formerly
    same_time = formerly is not None and formerly.start == known.told.start
    return CHANGED if known.message.event == MOVED and same_time else known.message.event


def _values(known: Known, to: _To) -> dict[str, str]:
    """What the variables of a wording stand for (`domain/templates.py`)."""
    words, told, details, formerly = to.words, known.told, known.notice.details, known.notice.formerly
    return {
        "receiver_name": to.name,
        "guest_name": _guest_name(known, words),
        "host_name": _host_names(known),
        "calendar_name": known.calendar.name,
        "workspace_name": known.workspace.name,
        "when": times.short(_appointment(known).start, to.tz, words),
        "duration_minutes": str(int((told.end - told.start).total_seconds()) // 60),
        "place": _place(told.location, words) if told.location is not None else "",
        "former_when": times.short(formerly.start, to.tz, words) if formerly is not None else "",
        "reason": (details.reason if details is not None else None) or "",
    }


def _guest_name(known: Known, words: Catalogue) -> str:
    details = known.notice.details
    return details.guest.name if details is not None else words.text("guest.erased")


def _host_names(known: Known) -> str:
    names = [known.hosts[host_id].name for host_id in known.told.host_ids if host_id in known.hosts]
    return ", ".join(names)


def _appointment(known: Known) -> Appointment:
    """What the message is about; a host who lost the booking is told of the time they had."""
    if known.message.event == WITHDRAWN and known.notice.formerly is not None:
        return known.notice.formerly
    return Appointment(start=known.told.start, host_ids=known.told.host_ids)


def _times(known: Known, to: _To) -> list[Row]:
    """What and when: in the receiver's zone, and in the other side's if its clocks differ."""
    words, told = to.words, known.told
    about = _appointment(known)
    end = about.start + (told.end - told.start)
    rows = [Row(words.text("label.what"), known.calendar.name)]
    rows.append(Row(words.text("label.when"), times.span(about.start, end, to.tz, words)))
    if (other := _other_zone(known)) and times.differ(about.start, to.tz, other):
        rows.append(Row(words.text("label.also"), times.span(about.start, end, other, words)))
    formerly = known.notice.formerly
    if _variant(known) == MOVED and formerly is not None:
        rows.append(Row(words.text("label.before"), times.short(formerly.start, to.tz, words)))
    return rows


def _facts(known: Known, to: _To) -> list[Row]:
    """With whom, where, and why not; they stand in the calendar entry too."""
    words, told, details = to.words, known.told, known.notice.details
    rows: list[Row] = []
    if known.message.receiver == HOST:
        rows = _guest_rows(details, words)
    elif hosts := _host_names(known):
        rows.append(Row(words.text("label.host"), hosts))
    if (location := told.location) is not None:
        rows.append(Row(words.text("label.where"), _place(location, words), _link(location)))
    if known.message.event == CANCELLED and details is not None and details.reason:
        rows.append(Row(words.text("label.reason"), details.reason))
    return rows


def _other_zone(known: Known) -> str:
    """The zone of the other side: the host's for guests, the guest's for hosts."""
    if known.message.receiver == HOST:
        return known.notice.details.tz if known.notice.details is not None else ""
    hosts = [known.hosts[host_id] for host_id in known.told.host_ids if host_id in known.hosts]
    return hosts[0].tz if hosts else ""


def _guest_rows(details: Details | None, words: Catalogue) -> list[Row]:
    if details is None:
        return [Row(words.text("label.guest"), words.text("guest.erased"))]
    rows = [Row(words.text("label.guest"), f"{details.guest.name}, {details.guest.email}")]
    if details.guest.phone:
        rows.append(Row(words.text("label.phone"), details.guest.phone))
    if details.additional_guests:
        others = ", ".join(f"{guest.name} ({guest.email})" for guest in details.additional_guests)
        rows.append(Row(words.text("label.others"), others))
    return [*rows, *(Row(question, answer) for question, answer in details.answers.items() if answer)]


def _place(location: Location, words: Catalogue) -> str:
    return words.text("place.phone", number=location.value) if location.kind == "phone" else location.value


def _link(location: Location) -> str:
    is_address = location.kind == "link" and urlsplit(location.value).scheme in ("http", "https")
    return location.value if is_address else ""


def _button(known: Known, words: Catalogue) -> Row | None:
    """Only who booked gets the key to the booking; a cancelled one can be booked anew."""
    details, url = known.notice.details, known.sender.public_url
    if known.message.receiver == HOST or details is None:
        return None
    if known.message.event == CANCELLED:
        return Row("", words.text("action.book_again"), f"{url}/{known.calendar.address}")
    if known.message.receiver == GUEST and details.token:
        return Row("", words.text("action.manage"), f"{url}/b/{details.token}")
    return None


def _invitation(known: Known, to: _To, facts: list[Row], sender_name: str) -> Invitation:
    told, message, details = known.told, known.message, known.notice.details
    cancels = message.event in (CANCELLED, WITHDRAWN)
    about = _appointment(known)
    names = {
        GUEST: _host_names(known),
        ADDITIONAL_GUEST: _host_names(known),
        HOST: _guest_name(known, to.words),
    }
    attendees = [Person(to.name, to.email)]
    if message.receiver == HOST and details is not None:
        attendees.append(Person(details.guest.name, details.guest.email))
    manage = f"{known.sender.public_url}/b/{details.token}" if details is not None and details.token else ""
    return Invitation(
        uid=f"{known.notice.id}@{known.sender.domain}",
        method="CANCEL" if cancels else "REQUEST",
        sequence=told.revision + 1 if message.event == CANCELLED else message.revision,
        stamp=told.at,
        start=about.start,
        end=about.start + (told.end - told.start),
        summary=f"{known.calendar.name}: {names[message.receiver]}" if names[message.receiver] else known.calendar.name,
        description="\n".join(f"{row.label}: {row.text}" for row in facts),
        location=told.location.value if told.location is not None else "",
        url=manage if message.receiver == GUEST and not cancels else "",
        organizer=Person(sender_name, known.sender.address),
        attendees=tuple(attendees),
    )
