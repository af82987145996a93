"""What notify does about events, timers and jobs."""

import asyncio
import re
from datetime import timedelta

import structlog

from services.notify.adapters import letters
from services.notify.adapters.letters import Known, Sender
from services.notify.domain import planning, projections, sending
from services.notify.domain.notices import Message, Notice
from services.notify.domain.planning import Rules
from services.notify.domain.projections import Calendar, Member, Workspace
from services.notify.domain.sending import Outcome
from services.notify.settings import Settings
from turnus_contracts import CalendarPublished, GuestDetailsGiven, MemberChanged, Settled, WorkspaceChanged
from turnus_runtime.ports import Mail, MailDelayed, Mailer, MailRefused, StoreUnavailable
from turnus_runtime.records import Owed
from turnus_runtime.turn import Turn

REPLY_CHARACTERS = 200
REPORTED_AGAIN_SECONDS = 0.5

log = structlog.stdlib.get_logger(__name__)


async def learn_fact(fact: Settled, on: Turn) -> None:
    """One of the four facts: plan what it changes."""
    await on.records(Notice).decide(fact.booking_id, lambda n: planning.learn_fact(n, fact, _rules(on), on.now))


async def learn_details(given: GuestDetailsGiven, on: Turn) -> None:
    """Who the guest is, or that it is to be forgotten."""
    await on.records(Notice).decide(given.booking_id, lambda n: planning.learn_details(n, given, _rules(on), on.now))


async def learn_member(told: MemberChanged, on: Turn) -> None:
    """Know hosts' names, addresses, zones and languages."""
    await on.records(Member).decide(told.member_id, lambda m: projections.learn_member(m, told))


async def learn_calendar(told: CalendarPublished, on: Turn) -> None:
    """Know what calendars are called, and where they are booked."""
    await on.records(Calendar).decide(told.calendar_id, lambda c: projections.learn_calendar(c, told))


async def learn_workspace(told: WorkspaceChanged, on: Turn) -> None:
    """Know in whose name mails go out."""
    await on.records(Workspace).decide(told.workspace_id, lambda w: projections.learn_workspace(w, told))


async def open_letters(on: Turn) -> None:
    """Read texts and templates before anything is served."""
    letters.open_letters()


async def remind(booking_id: str, fired: Owed, on: Turn) -> None:
    """Timer: the time of a reminder has come."""
    await on.records(Notice).decide(booking_id, lambda n: sending.remind(n, fired, on.now))


async def send_mail(booking_id: str, claimed: Owed, on: Turn) -> None:
    """Job: send one message, if it is still true right now; log and say what became of it.

    Only the claimer is here. A crash between the provider's yes and the report (or a store that is away until the job's
    time is over) is the one way to a second mail, and that one has the same Message-ID.
    """
    key = str((claimed.data or {})["key"])
    notice = await on.records(Notice).get(booking_id)
    message = notice.message(key) if notice is not None else None
    if notice is None or notice.told is None or message is None:
        return
    verdict = sending.verdict(notice, message, on.now)
    if verdict.act == "done":
        outcome = Outcome("skipped", reason="")
    elif verdict.act == "send":
        mail = await _mail(notice, message, on)
        outcome = Outcome("waiting") if mail is None else await _handed_over(mail, on.effects)
    else:
        outcome = Outcome("skipped" if verdict.act == "skip" else "failed", reason=verdict.reason)
    log.info("message_handled", booking_id=booking_id, message=key, outcome=outcome.kind, reason=outcome.reason or None)
    # The handing over took its time: what is logged, and when the next try is due, counts from its end.
    ended = on.clock.now()
    while True:
        try:
            await on.records(Notice).decide(booking_id, lambda n: sending.report(n, key, outcome, ended))
        except StoreUnavailable:
            # What is not reported is sent again. The job's time limit ends this, long before its claim does.
            await on.clock.sleep(REPORTED_AGAIN_SECONDS)
        else:
            return


async def _handed_over(mail: Mail, mailer: Mailer) -> Outcome:
    try:
        reply = await mailer.send(mail)
    except MailRefused as refused:
        return Outcome("refused", code=refused.code)
    except MailDelayed as delayed:
        return Outcome("delayed", code=delayed.code)
    return Outcome("sent", code=250, reply=_without_addresses(reply))


def _without_addresses(reply: str) -> str:
    """The provider's words for the log, which holds nobody's address."""
    return re.sub(r"\S*@\S*", "…", reply)[:REPLY_CHARACTERS]


async def _mail(notice: Notice, message: Message, on: Turn) -> Mail | None:
    """The mail, or None while the workspace, the calendar or a host it names is not known yet."""
    told = notice.told
    if told is None:
        return None
    ids = {*told.host_ids, *([message.member_id] if message.member_id is not None else [])}
    (calendar, workspace), members = await asyncio.gather(
        asyncio.gather(on.records(Calendar).get(notice.calendar_id), on.records(Workspace).get(notice.workspace_id)),
        asyncio.gather(*(on.records(Member).get(member_id) for member_id in sorted(ids))),
    )
    hosts = {member.id: member for member in members if member is not None}
    if calendar is None or workspace is None or set(hosts) != ids:
        return None
    settings = on.settings
    sender = Sender(settings.mail_from, settings.public_url)
    return letters.mail(Known(notice, told, message, calendar, hosts, workspace, sender))


def _rules(on: Turn) -> Rules:
    settings = on.configured(Settings)
    return Rules(settings.notify_reminder_minutes, timedelta(minutes=settings.notify_too_old_minutes))
