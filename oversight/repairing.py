"""`turnus repair`: repair what is closed, hold it to the invariants, open it, wait until everything has caught up."""

import asyncio
import json
import sys
from argparse import Namespace
from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta

from oversight.auditor import BOUND, Auditor
from oversight.invariants.findings import AT_ONCE, KINDS, Finding, place
from oversight.reading import Reading
from oversight.repairer import Repairer
from oversight.running import shown
from oversight.walking import walked
from oversight.writing import Writing, writing
from services.booking.domain.bookings import Booking
from services.notify.domain.planning import Rules
from turnus_runtime import logs
from turnus_runtime.closing import Closure, reopen
from turnus_runtime.installation import nearby
from turnus_runtime.settings import Settings, load

BOOKING_AT = place("booking", Booking, "")
AGAIN_SECONDS = 1.0


@dataclass(slots=True)
class Report:
    """What a repair did. `disagreeing`: what no rule can decide, before opening; `violations`: what is left then."""

    closed: Mapping[str, Closure]
    rehearsed: bool = False
    changed: Mapping[str, int] = field(default_factory=dict[str, int])
    notes: Sequence[str] = ()
    disagreeing: Sequence[Finding] = ()
    bookings: Mapping[str, str] = field(default_factory=dict[str, str])
    """the bookings that findings name, described"""
    opened: bool = False
    violations: Sequence[Finding] = ()

    @property
    def clean(self) -> bool:
        """Whether everything agrees."""
        return not self.disagreeing and not self.violations


def repair(arguments: Namespace) -> int:
    """1 if something disagrees, else 0. Raises `StoreUnavailable`, `OperationError`."""
    settings = load(Settings, **nearby(load(Settings)))
    logs.configure(load(Settings, log_level="warning"), sys.stderr)
    bound = BOUND if arguments.bound is None else timedelta(seconds=arguments.bound)
    report = asyncio.run(_run(settings, bound, rehearsed=arguments.dry_run, open_anyway=arguments.open_anyway))
    if arguments.json:
        print(json.dumps(_for_programs(report), indent=1))
    else:
        _print(report)
    return 0 if report.clean else 1


async def _run(settings: Settings, bound: timedelta, *, rehearsed: bool, open_anyway: bool) -> Report:
    async with writing(settings, rehearsed=rehearsed) as at:
        return await repaired(at, Rules(), bound, open_anyway=open_anyway)


async def repaired(at: Writing, rules: Rules, bound: timedelta = BOUND, *, open_anyway: bool = False) -> Report:
    """Repair whatever is closed. Raises `StoreUnavailable`, `OperationError`."""
    closed = await at.closures()
    report = Report(closed, at.rehearsed)
    if not closed:
        return report
    repairer = Repairer(at, closed, rules)
    # Twice: what other services did while the first round went on is in the second.
    for _ in range(1 if at.rehearsed else 2):
        await repairer.repair()
        report.disagreeing = [] if at.rehearsed else await _disagreeing(at.on, closed)
        if not report.disagreeing:
            break
    report.changed = {name: count for name, count in sorted(at.changed.items()) if count}
    report.notes = repairer.notes
    if not at.rehearsed and (open_anyway or not report.disagreeing):
        for closure in closed.values():
            await reopen(at.beside, closure)
        report.opened = True
        report.violations = await _caught_up(at.on, bound, known=report.disagreeing)
    report.bookings = await _described(at.on, [*report.disagreeing, *report.violations])
    return report


async def _disagreeing(on: Reading, closed: Mapping[str, Closure]) -> list[Finding]:
    """What the closed services and the others do not agree on, but for what the others said since: that waits for
    them in the topics.
    """
    found: list[Finding] = []
    async with aclosing(walked(on, whole=True)) as looks:
        async for _, findings in looks:
            found += [one for one in findings if _concerns(one, closed)]
    return [one for one in found if not await _is_news(one, closed, on)]


def _concerns(finding: Finding, closed: Collection[str]) -> bool:
    """Whether it is about a closed service, and not just that nobody does there what is owed."""
    about = {record.partition(".")[0] for record in finding.records}
    return finding.kind != "overdue" and bool(about & set(closed))


async def _is_news(finding: Finding, closed: Mapping[str, Closure], on: Reading) -> bool:
    if finding.kind in AT_ONCE or "booking" in closed:
        return False
    since = min(closure.since for closure in closed.values())
    ids = [record.removeprefix(BOOKING_AT) for record in finding.records if record.startswith(BOOKING_AT)]
    bookings = await on.many("booking", Booking, ids)
    return any(booking.changed_at > since for booking in bookings.values())


async def _caught_up(on: Reading, bound: timedelta, known: Sequence[Finding]) -> list[Finding]:
    """Give the services that were opened the time that they may take; what is violated then."""
    auditor = Auditor(on, bound)
    until = on.clock.now() + bound
    await auditor.round(whole=True)
    while {*auditor.suspicions, *auditor.violations} - set(known):
        if on.clock.now() > until:
            break
        await on.clock.sleep(AGAIN_SECONDS)
        await auditor.look_at_suspected()
    await auditor.round(whole=True)
    return [one for one in auditor.violations if one not in known]


async def _described(on: Reading, findings: Sequence[Finding]) -> dict[str, str]:
    """The bookings that they name, without anything about a guest."""
    ids = {record.removeprefix(BOOKING_AT) for one in findings for record in one.records if BOOKING_AT in record}
    bookings = await on.many("booking", Booking, sorted(ids))
    return {
        booking.id: f"{booking.status}, {booking.start:%Y-%m-%d %H:%M}-{booking.end:%H:%M} UTC, "
        f"{' '.join(booking.host_ids) or 'no host'}, {booking.calendar_id}, made {booking.created_at:%Y-%m-%d %H:%M}"
        for booking in bookings.values()
    }


def _print(report: Report) -> None:
    if not report.closed:
        print("nothing is closed: there is nothing to repair")
        return
    word = "would be changed" if report.rehearsed else "changed"
    for name, closure in report.closed.items():
        print(f"{name}: closed since {closure.since.isoformat(timespec='seconds')} ({closure.why})")
    print(f"{word}: {', '.join(f'{count} {name}' for name, count in report.changed.items()) or 'nothing'}")
    for note in report.notes:
        print(f"mind: {note}")
    for one in (*report.disagreeing, *report.violations):
        print(f"{one.kind}: {one.says}\n    {KINDS[one.kind]}\n    {' '.join(one.records)}")
    for booking_id, told in report.bookings.items():
        print(f"    {booking_id}: {told}")
    if report.rehearsed:
        return
    if not report.opened:
        print(
            f"{len(report.disagreeing)} disagreements: still closed. Decide about each of them (cancel one of two "
            "bookings), then run `turnus repair` again; `--open-anyway` opens as it is"
        )
    else:
        print(f"open again: {', '.join(report.closed)}; {len(report.violations) or 'no'} violations")


def _for_programs(report: Report) -> dict[str, object]:
    return {
        "closed": {name: closure.since.isoformat() for name, closure in report.closed.items()},
        "changed": dict(report.changed),
        "mind": list(report.notes),
        "disagreeing": [shown(one) for one in report.disagreeing],
        "bookings": dict(report.bookings),
        "opened": report.opened,
        "violations": [shown(one) for one in report.violations],
    }
