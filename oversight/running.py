"""`turnus audit`, once or on and on."""

import asyncio
import contextlib
import json
import sys
from argparse import Namespace
from datetime import datetime, timedelta
from typing import Any

import structlog

from oversight.auditor import BOUND, Auditor
from oversight.invariants.findings import KINDS, Finding
from oversight.reading import Reading, reading
from turnus_runtime import logs, telemetry, telemetry_sdk
from turnus_runtime.admin import Checks, admin_app
from turnus_runtime.installation import nearby
from turnus_runtime.listening import listening
from turnus_runtime.ports import StoreUnavailable
from turnus_runtime.process import stop_asked
from turnus_runtime.settings import Settings, load

log = structlog.get_logger(__name__)

NAME = "audit"
WHOLE_EVERY = timedelta(days=1)
"""How often a watching auditor looks at what can no longer change, too."""


def audit(arguments: Namespace) -> int:
    """1 if something is violated, else 0. Raises `StoreUnavailable`."""
    settings = load(Settings, **nearby(load(Settings)))
    bound = BOUND if arguments.bound is None else timedelta(seconds=arguments.bound)
    if arguments.watch:
        return asyncio.run(_watch(settings, bound, timedelta(seconds=arguments.every)))
    logs.configure(load(Settings, log_level="warning"), sys.stderr)
    return asyncio.run(_once(settings, bound, as_json=arguments.json))


async def _once(settings: Settings, bound: timedelta, *, as_json: bool) -> int:
    async with reading(settings) as on:
        auditor = Auditor(on, bound)
        await auditor.round(whole=True)
        if under_way := len(auditor.suspicions):
            told = f"{_counted(under_way, 'suspicion')} may be something under way"
            print(f"turnus: {told}: looking again in {bound.total_seconds():.0f} s", file=sys.stderr)
            await auditor.wait()
    violations = auditor.violations
    if as_json:
        told = {
            "checked": auditor.checked,
            "under_way": len(auditor.suspicions),
            "violations": [shown(one) for one in violations],
        }
        print(json.dumps(told, indent=1))
    else:
        for one in violations:
            print(f"{one.kind}: {one.says}\n    {KINDS[one.kind]}\n    {' '.join(one.records)}")
        print(f"{auditor.checked} places looked at, {_counted(len(violations), 'violation')}")
    return 1 if violations else 0


def _counted(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


def shown(finding: Finding) -> dict[str, Any]:
    """A finding for programs and log lines."""
    return {"kind": finding.kind, "records": list(finding.records), "says": finding.says}


async def _watch(settings: Settings, bound: timedelta, every: timedelta) -> int:
    logs.configure(settings)
    measured = telemetry_sdk.start(settings)
    try:
        async with contextlib.AsyncExitStack() as stack:
            on = await stack.enter_async_context(reading(settings))
            watch = Watch(on, bound)
            admin = admin_app(Checks({"rounds": watch.health}, {"looked": watch.looked}), measured.metrics_text)
            await stack.enter_async_context(listening(admin, settings.admin_host, settings.admin_port))
            loops = [asyncio.create_task(watch.run(every)), asyncio.create_task(stop_asked())]
            stack.push_async_callback(_cancelled, loops)
            done, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
            return 1 if watch.auditor.violations else 0
    finally:
        telemetry.unwatch(NAME)
        await asyncio.to_thread(measured.stop)


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Watch:
    """Rounds without end: the first is whole, later ones look at what may still change, and once a day at everything.

    A violation is said when it is found and when it is gone. A store that does not answer ends a round, not the watch.
    """

    def __init__(self, on: Reading, bound: timedelta = BOUND) -> None:
        self.auditor = Auditor(on, bound)
        self._clock = on.clock
        self._said: set[Finding] = set()
        self._whole: datetime | None = None
        self._ended: datetime | None = None
        telemetry.watch("audit_violations", NAME, lambda: len(self._said))
        telemetry.watch("audit_checked", NAME, lambda: self.auditor.checked)
        telemetry.watch("audit_age", NAME, self.age_seconds)

    async def run(self, every: timedelta) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.round()
            except StoreUnavailable as problem:
                log.warning("audit_broken_off", problem=str(problem))
            await self._clock.sleep(every.total_seconds())

    async def round(self) -> None:
        """One round, and what it changes."""
        began = self._clock.now()
        whole = self._whole is None or began - self._whole >= WHOLE_EVERY
        await self.auditor.round(whole=whole)
        await self.auditor.look_again()
        self._ended = self._clock.now()
        self._whole = began if whole else self._whole
        found = set(self.auditor.violations)
        for new in found - self._said:
            log.error("audit_violation", **shown(new))
        for gone in self._said - found:
            log.info("audit_violation_gone", **shown(gone))
        self._said = found
        log.info(
            "audit_round",
            whole=whole,
            checked=self.auditor.checked,
            violations=len(found),
            under_way=len(self.auditor.suspicions),
            seconds=round((self._ended - began).total_seconds(), 3),
        )

    def age_seconds(self) -> float | None:
        """How long ago the latest round ended; None before the first."""
        return None if self._ended is None else (self._clock.now() - self._ended).total_seconds()

    def health(self) -> dict[str, Any]:
        """Check of the admin port: how the rounds go. What they find does not make the auditor unhealthy."""
        return {"ok": True, "violations": len(self._said), "age_seconds": self.age_seconds()}

    def looked(self) -> dict[str, Any]:
        """Check of the admin port: a round has ended."""
        return {"ok": self._ended is not None}
