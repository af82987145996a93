"""What notify does about events, timers and jobs."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TypeVar

import structlog

from services.notify.adapters import examples, letters
from services.notify.adapters.letters import Known, Sender
from services.notify.domain import planning, projections, reminding, sending, trials
from services.notify.domain.notices import FINAL, Message, Notice
from services.notify.domain.planning import Rules
from services.notify.domain.projections import Calendar, Member, Workspace
from services.notify.domain.reminding import ReminderTimes
from services.notify.domain.sending import Outcome
from services.notify.domain.templates import Template, template_id
from services.notify.domain.trials import Trial
from services.notify.settings import Settings
from turnus_contracts import CalendarPublished, GuestDetailsGiven, MemberChanged, Settled, WorkspaceChanged
from turnus_runtime.ports import Mail, MailDelayed, Mailer, MailRefused, StoreUnavailable
from turnus_runtime.records import Decision, Owed, Record, key, millis
from turnus_runtime.turn import Turn

REPLY_CHARACTERS = 200
REPORTED_AGAIN_SECONDS = 0.5
KEPT_AT_ONCE = 100
"""Bookings that go by changed reminder times before the walk is noted."""

R = TypeVar("R", bound=Record)
Planning = Callable[[Rules, Notice | None], Decision[Notice, bool]]

log = structlog.stdlib.get_logger(__name__)


async def learn_fact(fact: Settled, on: Turn) -> None:
    """One of the four facts: plan what it changes."""
    await _plan(fact, on, lambda rules, notice: planning.learn_fact(notice, fact, rules, on.now))


async def learn_details(given: GuestDetailsGiven, on: Turn) -> None:
    """Who the guest is, or that it is to be forgotten."""
    await _plan(given, on, lambda rules, notice: planning.learn_details(notice, given, rules, on.now))


async def _plan(heard: Settled | GuestDetailsGiven, on: Turn, plan: Planning) -> None:
    """Plan by the workspace's reminder times, and again if they were changed until that was written."""
    rules = await _rules(heard.workspace_id, on)
    decision = partial(plan, rules)
    while await on.records(Notice).decide(heard.booking_id, decision):
        newest = await _rules(heard.workspace_id, on)
        if newest.mark <= rules.mark:
            return
        rules, decision = newest, partial(planning.keep_times, rules=newest, now=on.now)


async def keep_times(workspace_id: str, fired: Owed, on: Turn) -> None:
    """Timer: the reminder times of a workspace were changed, a page of its bookings to come goes by the new ones."""
    times = await on.records(ReminderTimes).get(workspace_id)
    if times is None or times.owes(fired.id) != fired:
        return
    after = await keep_page(times, (fired.data or {}).get("after"), on)
    await on.records(ReminderTimes).decide(workspace_id, lambda t: reminding.walked(t, fired, after, on.now))


async def keep_page(times: ReminderTimes, after: str | None, on: Turn) -> str | None:
    """Let some bookings that begin from now on, after this place, go by these times; the place to go on at, if any."""
    records, rules = on.records(Notice), reminding.rules_by(times, _standard(on))
    begin = after or key(times.id, millis(on.now))
    page = await records.with_prefix("by_start", times.id, limit=KEPT_AT_ONCE, after=begin)
    decision = partial(planning.keep_times, rules=rules, now=on.now)
    await asyncio.gather(*(records.decide(one.id, decision) for one in page if one.reminded_by < rules.mark))
    return str(page[-1].keys()["by_start"]) if len(page) == KEPT_AT_ONCE else None


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
    name = str((claimed.data or {})["key"])
    notice = await on.records(Notice).get(booking_id)
    message = notice.message(name) if notice is not None else None
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
    log.info(
        "message_handled", booking_id=booking_id, message=name, outcome=outcome.kind, reason=outcome.reason or None
    )
    # The handing over took its time: what is logged, and when the next try is due, counts from its end.
    ended = on.clock.now()
    await _reported(on, Notice, booking_id, lambda n: sending.report(n, name, outcome, ended))


async def send_trial(trial_id: str, claimed: Owed, on: Turn) -> None:
    """Job: send the example mail of a template to the member who asked for it."""
    trial = await on.records(Trial).get(trial_id)
    if trial is None or trial.status in FINAL:
        return
    mail = None if trials.is_late(trial, on.now) else await _example(trial, on)
    outcome = Outcome("waiting") if mail is None else await _handed_over(mail, on.effects)
    log.info("trial_handled", trial_id=trial_id, outcome=outcome.kind)
    ended = on.clock.now()
    await _reported(on, Trial, trial_id, lambda t: trials.report(t, outcome, ended))


async def _reported(on: Turn, kind: type[R], id: str, report: Callable[[R | None], Decision[R, None]]) -> None:
    while True:
        try:
            await on.records(kind).decide(id, report)
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
    known = Known(notice, told, message, calendar, hosts, workspace, sender(on))
    template = await on.records(Template).get(template_id(notice.workspace_id, letters.template_of(known)))
    return letters.mail(replace(known, wording=template.wording if template is not None else None))


async def _example(trial: Trial, on: Turn) -> Mail | None:
    """The mail of a trial, or None while the member is not known yet."""
    member, workspace = await asyncio.gather(
        on.records(Member).get(trial.member_id), on.records(Workspace).get(trial.workspace_id)
    )
    if member is None:
        return None
    mail = examples.shown(trial.template, trial.wording, workspace, sender(on), trial.planned_at, trial=True)
    return examples.sent_to(member, trial.id, mail, sender(on))


def sender(on: Turn) -> Sender:
    """From whom mails go out, and where their links lead."""
    return Sender(on.settings.mail_from, on.settings.public_url)


async def _rules(workspace_id: str, on: Turn) -> Rules:
    """By which the bookings of this workspace are planned now."""
    return reminding.rules_by(await on.records(ReminderTimes).get(workspace_id), _standard(on))


def _standard(on: Turn) -> Rules:
    """The rules of a workspace that has chosen none."""
    settings = on.configured(Settings)
    minutes = settings.notify_reminder_minutes
    return Rules(minutes, minutes, timedelta(minutes=settings.notify_too_old_minutes))
