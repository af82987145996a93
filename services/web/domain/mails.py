"""What the API says to staff about mails: which went out, their words, and when people are reminded."""

from datetime import datetime

from services.web.domain.seen import Seen


class SeenMessage(Seen):
    """A mail or a reminder about a booking, planned or sent."""

    id: str
    booking_id: str | None = None
    event: str
    receiver: str
    offset_minutes: int | None
    status: str
    reason: str | None
    due: datetime
    settled_at: datetime | None


class SeenVariable(Seen):
    """What may stand in double braces in a template, and what it stands for, by language."""

    name: str
    explanation: dict[str, str]


class SeenTemplate(Seen):
    """The words of one kind of mail in one language. `version` is 0 before the first change."""

    key: str
    event: str
    audience: str
    language: str
    subject: str
    body: str
    customised: bool
    version: int
    variables: tuple[SeenVariable, ...]


class SeenPreview(Seen):
    """A mail with example values."""

    subject: str
    text: str
    html: str


class SeenReminders(Seen):
    """When people are reminded: minutes before the start."""

    guest_reminder_minutes: tuple[int, ...]
    host_reminder_minutes: tuple[int, ...]
    customised: bool
    version: int
