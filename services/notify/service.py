"""The table of notify."""

from services.notify import handlers
from services.notify.domain.notices import REMIND, SEND_MAIL, Notice
from services.notify.domain.projections import Calendar, Member, Workspace
from services.notify.domain.reminding import KEEP_TIMES, ReminderTimes
from services.notify.domain.templates import Template
from services.notify.domain.trials import SEND_TRIAL, Trial
from services.notify.routes import router
from services.notify.settings import Settings
from turnus_contracts import (
    BookingConcluded,
    BookingConfirmed,
    BookingMoved,
    BookingReleased,
    CalendarPublished,
    ChangeRecorded,
    GuestDetailsGiven,
    MemberChanged,
    NotificationFailed,
    NotificationSent,
    ReminderDue,
    WorkspaceChanged,
)
from turnus_runtime.service import Job, Service
from turnus_runtime.settings import Settings as RuntimeSettings
from turnus_runtime.smtp import SmtpMailer

SEND_SECONDS = 60
"""Longer than the mailer's own limit (30 s), so that a send under way is never claimed a second time."""


def mailer(settings: RuntimeSettings) -> SmtpMailer:
    """The way out for mails."""
    return SmtpMailer(settings.smtp_url)


service = Service(
    name="notify",
    summary="Mails, their words, reminders, and what became of each",
    records=(Notice, ReminderTimes, Template, Trial, Member, Calendar, Workspace),
    consumes={
        BookingConfirmed: handlers.learn_fact,
        BookingMoved: handlers.learn_fact,
        BookingReleased: handlers.learn_fact,
        BookingConcluded: handlers.learn_fact,
        GuestDetailsGiven: handlers.learn_details,
        MemberChanged: handlers.learn_member,
        CalendarPublished: handlers.learn_calendar,
        WorkspaceChanged: handlers.learn_workspace,
    },
    publishes=(ReminderDue, NotificationSent, NotificationFailed, ChangeRecorded),
    timers={REMIND: handlers.remind, KEEP_TIMES: handlers.keep_times},
    jobs={
        SEND_MAIL: Job(handlers.send_mail, time_limit_seconds=SEND_SECONDS),
        SEND_TRIAL: Job(handlers.send_trial, time_limit_seconds=SEND_SECONDS),
    },
    resources=("notifications", "templates"),
    routes=router,
    settings=Settings,
    effects=mailer,
    open=handlers.open_letters,
)
