"""A trial: the mail of a template with example values, sent to whoever wants to see it in their own mailbox. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from services.notify.domain.notices import FINAL, Attempt
from services.notify.domain.sending import Outcome, attempt_of, end_of, pause_after
from services.notify.domain.wording import Wording
from turnus_contracts import Instant
from turnus_runtime.records import Decision, Record, job, millis

SEND_TRIAL = "send_trial"
GIVEN_UP_AFTER = timedelta(minutes=10)
"""Whoever looks for the mail is not waiting any more."""


class Trial(Record):
    """One such mail, with the words it was asked for with."""

    collection: ClassVar[str] = "trials"

    workspace_id: str
    member_id: str
    template: str
    wording: Wording
    status: Literal["queued", "sent", "failed", "skipped"] = "queued"
    reason: str = ""
    planned_at: Instant
    settled_at: Instant | None = None
    attempts: tuple[Attempt, ...] = ()
    request_digest: str | None = None


def start(current: Trial | None, new: Trial) -> Decision[Trial, tuple[Trial, bool]]:
    """Owe the sending. The same request again is the same trial: the answer is it, and whether it was there."""
    if current is not None:
        return Decision((current, True))
    return Decision((new, False), new, owes=[job(SEND_TRIAL, new.planned_at, id=SEND_TRIAL)])


def is_late(trial: Trial, now: datetime) -> bool:
    """Whether it is given up instead of being tried once more."""
    return now >= trial.planned_at + GIVEN_UP_AFTER


def report(trial: Trial | None, outcome: Outcome, now: datetime) -> Decision[Trial, None]:
    """Log what became of a try, and owe the next one if there is to be one."""
    if trial is None or trial.status in FINAL:
        return Decision(None)
    attempt = attempt_of(outcome, now)
    if attempt is not None and attempt in trial.attempts:
        return Decision(None)  # this very report was stored, although the store did not say so
    tried = trial.change(attempts=(*trial.attempts, attempt)) if attempt is not None else trial
    owed = trial.owes(SEND_TRIAL)
    if outcome.kind in ("waiting", "delayed") and owed is not None:
        again = now + pause_after(owed.tries)
        if not is_late(trial, again):
            return Decision(None, tried, owes=[replace(owed, due=millis(again))])
        outcome = replace(outcome, kind="delayed")
    status, reason = end_of(outcome)
    return Decision(None, tried.change(status=status, reason=reason, settled_at=now), drops=(SEND_TRIAL,))
