"""After rest: what the stores hold, against what guests were told."""

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from oversight.invariants.sagas import FINAL_WITHIN
from oversight.reading import RECORDS, Reading, reading
from services.booking.domain.bookings import Booking
from services.notify.domain.notices import Notice
from tests.chaos.faults import Made, guest_of
from tests.chaos.guests import Guest
from tests.chaos.mail import Taken
from tests.chaos.world import World
from turnus_runtime.records import Projection, millis

SOON = timedelta(minutes=10)
"""What is owed later than this is owed to the future: reminders, the daily saying again."""
WORK = {"event", "state", "job"}
FINAL = {"confirmed", "rejected", "expired", "cancelled"}
ASKS = {"requested", "move_requested"}
ANSWERS = {"confirmed", "rejected", "expired", "cancelled", "moved", "move_refused", "move_expired"}
MAIL_FAULTS = {"mail stalled", "cut", "half-open", "reset", "sigkill", "sigterm", "sigstop", "store sigkill"}


@dataclass
class Verdict:
    """What came out. Lists hold sentences, each naming a booking."""

    offered: int = 0
    confirmed: int = 0
    refused: dict[str, int] = field(default_factory=dict[str, int])
    expired: int = 0
    moved: int = 0
    cancelled: int = 0
    unanswered: int = 0
    """guests who gave up; what they asked for may have come to be"""
    stored: int = 0
    in_time: int = 0
    late: list[str] = field(default_factory=list[str])
    slowest_seconds: float = 0.0
    lost: list[str] = field(default_factory=list[str])
    doubled: list[str] = field(default_factory=list[str])
    double_booked: list[str] = field(default_factory=list[str])
    mails: int = 0
    mails_missing: list[str] = field(default_factory=list[str])
    mails_twice: list[str] = field(default_factory=list[str])
    mails_twice_unexplained: list[str] = field(default_factory=list[str])
    odd: list[str] = field(default_factory=list[str])


async def owed(on: Reading) -> Counter[str]:
    """What is owed now or soon and is no timer of the future, by service and kind; undecided bookings too."""
    found: Counter[str] = Counter()
    soon = millis(on.clock.now() + SOON)
    for service, kinds in RECORDS.items():
        for kind in kinds:
            if issubclass(kind, Projection):
                continue
            for record in await on.overdue(service, kind, soon):
                found.update(f"{service} {entry.kind} {entry.name}" for entry in record.owed if entry.kind in WORK)
                if isinstance(record, Booking) and record.open_attempt is not None:
                    found["booking undecided"] += 1
    return found


async def judged(world: World, guests: Sequence[Guest], mails: Sequence[Taken], made: Sequence[Made]) -> Verdict:
    """Everything that the stores and the mail server can say about these guests."""
    bookings: dict[str, Booking] = {}
    told_by_mail: set[str] = set()
    async with reading(world.operator()) as on:
        async for page in on.pages("booking", Booking):
            bookings |= {booking.id: booking for booking in page}
        async for notices in on.pages("notify", Notice):
            told_by_mail |= {notice.id for notice in notices if any(one.status == "sent" for one in notice.messages)}
    return compared(guests, bookings, told_by_mail, mails, made)


def compared(
    guests: Sequence[Guest],
    bookings: dict[str, Booking],
    told_by_mail: set[str],
    mails: Sequence[Taken],
    made: Sequence[Made],
) -> Verdict:
    """What was promised against what is there. `told_by_mail`: bookings of which notify says that it sent a mail."""
    verdict = Verdict(offered=len(guests), stored=len(bookings))
    by_guest: dict[int, list[Booking]] = defaultdict(list)
    for booking in bookings.values():
        by_guest[guest_of(booking.guest.email)].append(booking)
    for guest in guests:
        _promises(verdict, guest, bookings, by_guest[guest.number])
    _times(verdict, bookings.values())
    verdict.double_booked = list(_overlaps(bookings.values()))
    _mails(verdict, mails, bookings, told_by_mail, made)
    return verdict


def _promises(verdict: Verdict, guest: Guest, bookings: dict[str, Booking], mine: list[Booking]) -> None:
    who = f"guest {guest.number}"
    verdict.odd += [f"{who}: {what}" for what in guest.odd]
    if guest.first_told == "confirmed":
        verdict.confirmed += 1
    elif guest.first_told in {"refused", "rejected", "expired"}:
        why = str(guest.code) if guest.first_told == "refused" else f"{guest.first_told}: {guest.code}"
        verdict.refused[why] = verdict.refused.get(why, 0) + 1
    else:
        verdict.unanswered += 1
    if len(mine) > 1:
        verdict.doubled.append(f"{who} has {', '.join(sorted(one.id for one in mine))}")
    if guest.id is None:
        return
    booking = bookings.get(guest.id)
    if booking is None:
        verdict.lost.append(f"{who} was told of {guest.id} (http {guest.http}), nobody knows it")
    else:
        verdict.lost += [f"{who}, {booking.id}: {wrong}" for wrong in _broken(guest, booking)]
        verdict.moved += booking.revision > 0
        verdict.cancelled += booking.status == "cancelled"


def _broken(guest: Guest, booking: Booking) -> Iterable[str]:
    """Promises to this guest that the booking does not keep."""
    if booking.status not in FINAL or booking.open_attempt is not None:
        yield f"is not final: {booking.status}"
    elif guest.cancelled:
        if booking.status != "cancelled":
            yield f"was cancelled and is {booking.status}"
    elif guest.first_told == "confirmed" and booking.status != "confirmed" and not guest.cancels:
        yield f"was confirmed and is {booking.status}"
    elif guest.first_told in {"rejected", "expired"} and booking.status != guest.first_told:
        yield f"was {guest.first_told} and is {booking.status}"
    elif booking.status == "confirmed" and guest.first_told == "confirmed":
        starts = {datetime.fromisoformat(start) for start in (guest.start, *guest.maybe) if start}
        if booking.start not in starts:
            yield f"was promised {guest.start} and is at {booking.start.isoformat()}"


def _times(verdict: Verdict, bookings: Iterable[Booking]) -> None:
    """How long each request and each move took until it was decided, by the booking's own history."""
    for booking in bookings:
        asked: datetime | None = None
        for moment in booking.history:
            if moment.what in ASKS:
                asked = moment.at
            elif moment.what in ANSWERS and asked is not None:
                seconds = (moment.at - asked).total_seconds()
                verdict.slowest_seconds = max(verdict.slowest_seconds, seconds)
                if seconds <= FINAL_WITHIN.total_seconds():
                    verdict.in_time += 1
                else:
                    verdict.late.append(f"{booking.id}: {moment.what} after {seconds:.0f} s")
                asked = None
        if asked is not None:
            verdict.late.append(f"{booking.id}: never decided")


def _overlaps(bookings: Iterable[Booking]) -> Iterable[str]:
    """Pairs of confirmed bookings of one host whose padded times meet."""
    by_host: dict[str, list[tuple[datetime, datetime, str]]] = defaultdict(list)
    for one in bookings:
        if one.status == "confirmed":
            before, after = timedelta(minutes=one.buffer_before_minutes), timedelta(minutes=one.buffer_after_minutes)
            for host in one.host_ids:
                by_host[host].append((one.start - before, one.end + after, one.id))
    for host, times in by_host.items():
        for (_, end, first), (start, _, second) in itertools.pairwise(sorted(times)):
            if start < end:
                yield f"{host}: {first} and {second} at {start.isoformat()}"


def _mails(
    verdict: Verdict, mails: Sequence[Taken], bookings: dict[str, Booking], told: set[str], made: Sequence[Made]
) -> None:
    verdict.mails = len(mails)
    reached = {guest_of(mail.to) for mail in mails}
    for booking in bookings.values():
        if booking.status == "confirmed" and (guest_of(booking.guest.email) not in reached or booking.id not in told):
            verdict.mails_missing.append(f"{booking.id}: no mail to its guest")
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for mail in mails:
        times[mail.message_id, mail.to].append(mail.at)
    for (message_id, to), at in times.items():
        if len(at) > 1:
            sentence = f"{message_id} to {to}: {len(at)} times, after {at[1] - at[0]:.1f} s"
            verdict.mails_twice.append(sentence)
            if not _explained(at[0], made):
                verdict.mails_twice_unexplained.append(sentence)


def _explained(first: float, made: Sequence[Made]) -> bool:
    """Whether the process that sent it, or its answer, was taken away in the middle of it (a few seconds around)."""
    return any(
        one.kind in MAIL_FAULTS
        and ("notify" in one.target or "all-" in one.target or one.target in {"mail", "store"})
        and one.began - 2 <= first <= one.ended + 8
        for one in made
    )


def errors_logged(world: World) -> Counter[str]:
    """Log lines of level error and above of all processes, by what they say; and lines that are no log lines."""
    found: Counter[str] = Counter()
    for file in (world.folder / "logs").glob("*.log"):
        for line in file.read_text(errors="replace").splitlines():
            try:
                told = json.loads(line)
            except ValueError:
                if line.startswith(("Traceback", "Fatal")):
                    found[f"{file.stem}: {line[:80]}"] += 1
                continue
            if told.get("level") in {"error", "critical"}:
                found[f"{file.stem}: {told.get('event')} {told.get('error') or told.get('problem') or ''}".strip()] += 1
    return found
