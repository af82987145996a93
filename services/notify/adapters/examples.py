"""An appointment that never was, to show a template by: everything that a mail can hold is in it."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from services.notify.adapters import times
from services.notify.adapters.catalogue import Catalogue, catalogue
from services.notify.adapters.letters import Known, Sender, mail
from services.notify.domain.notices import (
    CHANGED,
    HOST,
    MOVED,
    WITHDRAWN,
    Appointment,
    Details,
    Message,
    Notice,
    Told,
    message_key,
)
from services.notify.domain.projections import Calendar, Member, Workspace
from services.notify.domain.wording import Wording
from turnus_contracts import Guest, Location
from turnus_runtime.ports import Mail

BOOKING, WORKSPACE = "bk_example", "ws_example"
ONE, OTHER = "mem_example", "mem_other"
ZONES = {"de": "Europe/Berlin", "en": "Europe/London"}
AHEAD = timedelta(days=7)
MINUTES = timedelta(minutes=30)


def shown(
    name: str,
    wording: Wording | None,
    workspace: Workspace | None,
    sender: Sender,
    now: datetime,
    *,
    trial: bool = False,
) -> Mail:
    """The mail of the template of this name, with these words (None: the built-in ones); `trial`: to be sent."""
    event, audience, language = name.split(".")
    words = catalogue(language)
    revision = 1 if event in (MOVED, CHANGED, WITHDRAWN) else 0
    told = _told(event, revision, words, now)
    message = Message(
        key=message_key(revision, event, audience),
        event=MOVED if event == CHANGED else event,
        revision=revision,
        receiver=audience,
        member_id=ONE if audience == HOST else None,
        status="queued",
        due=now,
        planned_at=now,
    )
    return mail(
        Known(
            notice=_notice(event, told, words, now),
            told=told,
            message=message,
            calendar=Calendar(
                id="cal_example",
                workspace_id=WORKSPACE,
                version=1,
                status="active",
                address="example/example",
                name=words.text("example.calendar"),
            ),
            hosts={ONE: _host(ONE, "example.host", words), OTHER: _host(OTHER, "example.other_host", words)},
            workspace=workspace
            or Workspace(id=WORKSPACE, version=1, status="active", name=words.text("example.workspace")),
            sender=sender,
            wording=wording,
            trial=trial,
        )
    )


def sent_to(member: Member, trial_id: str, shown: Mail, sender: Sender) -> Mail:
    """That mail for the mailbox of a member: a trial has no calendar entry, which would show what never will be."""
    headers = {name: value for name, value in shown.headers.items() if name != "Reply-To"}
    return replace(
        shown,
        message_id=f"{trial_id}@{sender.domain}",
        to=member.email,
        to_name=member.name,
        headers=headers,
    )


def _start(words: Catalogue, now: datetime) -> datetime:
    """Ten in the morning, a week from now."""
    zone = times.zone(ZONES.get(words.language, "UTC"))
    return datetime.combine((now.astimezone(zone) + AHEAD).date(), time(10), zone).astimezone(UTC)


def _told(event: str, revision: int, words: Catalogue, now: datetime) -> Told:
    start = _start(words, now)
    return Told(
        version=1,
        standing="cancelled" if event == "cancelled" else "stands",
        revision=revision,
        start=start,
        end=start + MINUTES,
        host_ids=(OTHER,) if event == WITHDRAWN else (ONE,),
        location=Location(kind="address", value=words.text("example.place")),
        at=now,
    )


def _notice(event: str, told: Told, words: Catalogue, now: datetime) -> Notice:
    before = told.start if event in (CHANGED, WITHDRAWN) else told.start - timedelta(days=1)
    details = Details(
        guest=Guest(name=words.text("example.guest"), email="ada@example.org"),
        additional_guests=(Guest(name=words.text("example.other_guest"), email="ben@example.org"),),
        locale=words.language,
        tz=ZONES.get(words.language, "UTC"),
        token="bkt_example",  # noqa: S106 - opens nothing
        reason=words.text("example.reason"),
    )
    return Notice(
        id=BOOKING,
        workspace_id=WORKSPACE,
        calendar_id="cal_example",
        created_at=now,
        told=told,
        details=details,
        formerly=Appointment(start=before, host_ids=(ONE,)) if told.revision else None,
    )


def _host(id: str, name: str, words: Catalogue) -> Member:
    return Member(
        id=id,
        workspace_id=WORKSPACE,
        version=1,
        status="active",
        name=words.text(name),
        email="grace@example.com",
        tz=ZONES.get(words.language, "UTC"),
        locale=words.language,
    )
