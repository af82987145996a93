"""A notice: what notify knows of one booking, and every message about it, in one record.

One record, because then the write that learns a fact also holds what is to be sent and owes the sending: nothing lies
between "decided" and "owed". A message's key in the record is its guard: planning the same thing again is planning it
once.
"""

from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from turnus_contracts import Guest, Instant, Location
from turnus_runtime.records import Owed, Record, job, key, millis

SEND_MAIL = "send_mail"
REMIND = "remind"

GUEST, ADDITIONAL_GUEST, HOST = "guest", "additional_guest", "host"
BOOKED, MOVED, CANCELLED, REMINDER, WITHDRAWN = "booked", "moved", "cancelled", "reminder", "withdrawn"
"""`withdrawn`: a host no longer serves the booking, because it went to another one."""
CHANGED = "changed"
"""How a move that keeps the time is told."""

Standing = Literal["stands", "cancelled", "never_confirmed", "concluded"]
Status = Literal["planned", "queued", "sent", "failed", "skipped"]
UNMARKED = -1
"""Reminders that were planned before there were marks."""
FINAL: frozenset[str] = frozenset({"sent", "failed", "skipped"})


class Part(BaseModel):
    """A part of the record."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Told(Part):
    """The booking as the highest of the four facts says (`reliability.md`). `late`: too old to be news when heard."""

    version: int
    standing: Standing
    revision: int
    start: Instant
    end: Instant
    host_ids: tuple[str, ...]
    location: Location | None = None
    at: Instant
    late: bool = False

    @property
    def stage(self) -> str:
        """What is to be told changes with this and with nothing else."""
        return f"{self.standing}.{self.revision}"


class Details(Part):
    """Who the guest is. The only personal data here; an erased state removes it."""

    guest: Guest
    additional_guests: tuple[Guest, ...] = ()
    answers: dict[str, str] = {}
    locale: str
    tz: str
    token: str | None = None
    reason: str | None = None


class Appointment(Part):
    """When and with whom, as it was told."""

    start: Instant
    host_ids: tuple[str, ...]


class Attempt(Part):
    """One try to hand a message over. `code` is the provider's reply code, 0 without a reply."""

    at: Instant
    outcome: Literal["sent", "delayed", "refused"]
    code: int = 0
    reply: str = ""


class Message(Part):
    """One message to one receiver. `key` is unique in the notice: `{revision}.{event}.{receiver}`.

    planned: waits for `due` (a reminder) · queued: its job is owed · sent, failed, skipped: final, `reason` says why.
    `number` counts the additional guests and the hosts from 0; `member_id` names the host.
    """

    key: str
    event: str
    revision: int
    receiver: str
    number: int = 0
    member_id: str | None = None
    offset_minutes: int | None = None
    status: Status
    reason: str = ""
    due: Instant
    planned_at: Instant
    settled_at: Instant | None = None
    attempts: tuple[Attempt, ...] = ()


class Notice(Record):
    """One booking as notify knows it; the id is the booking's.

    Format 1 did not say by which reminder times its reminders were planned: it is planned anew when next heard of.
    `by_host` is younger: a notice that nothing has changed since is not found by it.
    """

    collection: ClassVar[str] = "notices"
    format: ClassVar[int] = 2
    indexes: ClassVar[tuple[str, ...]] = ("by_workspace", "by_host", "by_start")
    long: ClassVar[tuple[str, ...]] = indexes

    workspace_id: str
    calendar_id: str
    created_at: Instant
    told: Told | None = None
    details: Details | None = None
    details_version: int = 0
    erased: bool = False
    planned: str = ""
    """the stage for which messages were planned last"""
    now_told: Appointment | None = None
    """the appointment of that stage"""
    formerly: Appointment | None = None
    """the appointment that was told before it"""
    reminded_by: int = 0
    """the mark of the reminder times by which the reminders of that stage are planned (`domain/reminding.py`)"""
    messages: tuple[Message, ...] = ()

    def keys(self) -> dict[str, str | int | None]:
        """By workspace and by host, in the order in which bookings became known; those that stand by start, too."""
        hosts = self.told.host_ids if self.told is not None else ()
        told = self.told if self.told is not None and self.told.standing == "stands" else None
        return {
            "by_workspace": key(self.workspace_id, millis(self.created_at), self.id),
            "by_host": key(hosts[0], millis(self.created_at), self.id) if hosts else None,
            "by_start": key(self.workspace_id, millis(told.start), self.id) if told is not None else None,
        }

    @classmethod
    def upgrade(cls, stored: dict[str, Any], written: int) -> dict[str, Any]:
        """Older than every mark."""
        return {**stored, "reminded_by": UNMARKED}

    def served_by(self, member_id: str) -> bool:
        """Whether this member serves the booking, as far as was told."""
        return self.told is not None and member_id in self.told.host_ids

    def message(self, message_key: str) -> Message | None:
        """The message with this key."""
        return next((message for message in self.messages if message.key == message_key), None)

    def with_message(self, changed: Message) -> "Notice":
        """A copy with this message replaced."""
        return self.change(messages=tuple(changed if one.key == changed.key else one for one in self.messages))


def message_key(revision: int, event: str, receiver: str, number: int = 0, offset: int | None = None) -> str:
    """`0.booked.guest`, `2.reminder-60.additional_guest-2`: the same for the same message, always."""
    what = event if offset is None else f"{event}-{offset}"
    return f"{revision}.{what}.{receiver}{f'-{number + 1}' if number else ''}"


def notification_id(booking_id: str, message: str) -> str:
    """The public id of a message: `ntf_` + the booking's own part + the message's key."""
    return f"ntf_{booking_id.removeprefix('bk_')}.{message}"


def booking_and_key(id: str) -> tuple[str, str]:
    """The booking and the message's key that a notification's id names; `("", "")` if it names none."""
    booking, dot, message = id.removeprefix("ntf_").partition(".")
    return (f"bk_{booking}", message) if dot and id.startswith("ntf_") else ("", "")


def sending(message: Message, due: datetime) -> Owed:
    """The job that sends a message."""
    return job(SEND_MAIL, due, id=sending_id(message.key), data={"key": message.key})


def sending_id(message: str) -> str:
    """The id of that job in the record."""
    return f"send:{message}"


def reminding_id(revision: int, offset: int) -> str:
    """The id of a reminder's timer in the record: keyed to the revision."""
    return f"remind:{revision}.{offset}"
