"""Facts, details and a way to apply decisions as the store does."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from services.notify.domain import planning, sending
from services.notify.domain.notices import Message, Notice
from services.notify.domain.planning import Rules
from turnus_contracts import (
    BookingConcluded,
    BookingConfirmed,
    BookingMoved,
    BookingReleased,
    Event,
    Guest,
    GuestDetailsGiven,
    Location,
    Settled,
)
from turnus_runtime.records import Decision, Owed

NOW = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)
START = datetime(2027, 1, 6, 9, 0, tzinfo=UTC)
RULES = Rules()


def reminding(*minutes: int, **more: Any) -> Rules:
    """Rules by which guests and hosts are reminded at the same times."""
    return Rules(guest_minutes=minutes, host_minutes=minutes, **more)


def fact(kind: type[Settled], version: int, *, revision: int = 0, start: datetime = START, **more: Any) -> Any:
    """One of the four facts about `bk_1`."""
    values: dict[str, Any] = {
        "workspace_id": "ws_1",
        "calendar_id": "cal_1",
        "booking_id": "bk_1",
        "version": version,
        "calendar_version": 1,
        "attempt": revision + 1,
        "highest_attempt": revision + 1,
        "charged": 0,
        "revision": revision,
        "start": start,
        "end": start + timedelta(minutes=30),
        "host_ids": ("mem_a",),
        "location": Location(kind="address", value="Hauptstr. 1"),
        "at": NOW,
    }
    return kind(**(values | more))


def confirmed(version: int = 2, **more: Any) -> BookingConfirmed:
    return fact(BookingConfirmed, version, **more)


def moved(version: int, revision: int, **more: Any) -> BookingMoved:
    return fact(BookingMoved, version, revision=revision, **more)


def cancelled(version: int, revision: int = 0, **more: Any) -> BookingReleased:
    return fact(BookingReleased, version, revision=revision, status="cancelled", reason="guest", **more)


def concluded(version: int, revision: int = 0, **more: Any) -> BookingConcluded:
    return fact(BookingConcluded, version, revision=revision, status="attended", **more)


def details(version: int = 1, **more: Any) -> GuestDetailsGiven:
    values: dict[str, Any] = {
        "workspace_id": "ws_1",
        "calendar_id": "cal_1",
        "booking_id": "bk_1",
        "version": version,
        "status": "active",
        "guest": Guest(name="Ada", email="ada@example.org"),
        "locale": "de",
        "tz": "Europe/Berlin",
        "token": "bkt_token",
    }
    return GuestDetailsGiven(**(values | more))


def erased(version: int) -> GuestDetailsGiven:
    return details(version, status="erased", guest=None, token=None)


class Kept:
    """A notice with what it owes, as decisions leave it; and the messages that jobs have sent."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.rules = rules
        self.now = NOW
        self.notice: Notice | None = None
        self.said: list[Owed] = []
        self.sent: list[str] = []

    def decide(self, decide: Callable[[Notice | None], Decision[Notice, Any]]) -> Any:
        decided = decide(self.notice)
        if decided.record is None:
            return decided.answer
        owes = [entry for entry in decided.owes if entry.kind != "event"]
        self.said += [entry for entry in decided.owes if entry.kind == "event"]
        before = self.notice.owed if self.notice is not None else ()
        gone = {entry.id for entry in owes} | set(decided.drops)
        kept = [entry for entry in before if entry.id not in gone]
        self.notice = decided.record.change(owed=(*kept, *owes))
        return decided.answer

    def hear(self, *events: Event) -> None:
        for event in events:
            if isinstance(event, GuestDetailsGiven):
                self.decide(lambda n, e=event: planning.learn_details(n, e, self.rules, self.now))
            elif isinstance(event, Settled):
                self.decide(lambda n, e=event: planning.learn_fact(n, e, self.rules, self.now))

    def owed(self, kind: str) -> list[Owed]:
        return [entry for entry in (self.notice.owed if self.notice is not None else ()) if entry.kind == kind]

    def work(self) -> None:
        """Run all jobs, the provider takes everything."""
        for entry in self.owed("job"):
            assert self.notice is not None
            key = str((entry.data or {})["key"])
            message = self.message(key)
            verdict = sending.verdict(self.notice, message, self.now)
            if verdict.act == "send":
                self.sent.append(key)
                outcome = sending.Outcome("sent", code=250)
            else:
                outcome = sending.Outcome("skipped" if verdict.act != "fail" else "failed", reason=verdict.reason)
            self.decide(lambda n, k=key, o=outcome: sending.report(n, k, o, self.now))

    def fire(self) -> None:
        """Fire all timers that are due."""
        for entry in sorted(self.owed("timer"), key=lambda one: one.due):
            if entry.due <= self.now.timestamp() * 1000:
                self.decide(lambda n, e=entry: sending.remind(n, e, self.now))

    def pass_to(self, instant: datetime) -> None:
        """Let time pass minute by minute of interest: every due time, then `instant`."""
        while due := [entry.due for entry in self.owed("timer") if entry.due <= instant.timestamp() * 1000]:
            self.now = max(self.now, datetime.fromtimestamp(min(due) / 1000, UTC))
            self.fire()
            self.work()
        self.now = instant

    def message(self, key: str) -> Message:
        assert self.notice is not None
        message = self.notice.message(key)
        assert message is not None, f"{key} is not among {[one.key for one in self.notice.messages]}"
        return message

    def outcomes(self) -> dict[str, str]:
        """`{key: status or reason}`."""
        assert self.notice is not None
        return {one.key: one.reason or one.status for one in self.notice.messages}

    def events(self, name: str) -> Sequence[dict[str, Any]]:
        return [dict(entry.data or {}) for entry in self.said if entry.name == name]
