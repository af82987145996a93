"""Letters: the mails that accounts writes itself, because a secret stands in them that no event may carry. Pure.

A letter is about one thing (an invitation, a reset) and lies in it; the record that holds the thing owes the job that
sends it. The job's id is its name, so whatever is written about anew takes the place of what was not sent yet.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from turnus_runtime.records import Owed, job, millis

FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=5)


class Part(BaseModel):
    """A part of a record."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Letter(Part):
    """Whether it went out. `code` is the mail server's latest reply code, 0 without a reply.

    `failed`: refused (the mail server will never take it), or gave_up (it did not take it in time).
    """

    sent_at: datetime | None = None
    failed: Literal["refused", "gave_up"] | None = None
    code: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one try to hand a letter over. `code` as in `Letter`."""

    kind: Literal["sent", "delayed", "refused"]
    code: int = 0


def sending(name: str, due: datetime, nonce: str) -> Owed:
    """The job that sends the letter about the thing with this nonce."""
    return job(name, due, id=name, data={"nonce": nonce})


def tried(
    letter: Letter, owed: Owed | None, outcome: Outcome, now: datetime, until: datetime
) -> tuple[Letter, Owed | None]:
    """The letter after a try by the job `owed`, and the job of the next one if there is to be one.

    `until`: from then on it helps nobody.
    """
    if outcome.kind == "sent":
        return Letter(sent_at=now, code=outcome.code), None
    if outcome.kind == "refused":
        return Letter(failed="refused", code=outcome.code), None
    pause = min(FIRST_PAUSE * 2 ** min(max(owed.tries - 1, 0) if owed is not None else 0, 12), LONGEST_PAUSE)
    if owed is None or now + pause >= until:
        return Letter(failed="gave_up", code=outcome.code), None
    return letter.model_copy(update={"code": outcome.code}), replace(owed, due=millis(now + pause))
