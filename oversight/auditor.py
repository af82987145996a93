"""The auditor: what does not hold, and has not been put right within its bound.

Records that belong together are written one after the other, so while something is under way they may disagree. What is
found so is a suspicion; it becomes a violation when a look after the bound finds the very same again.
"""

from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from oversight.invariants.findings import AT_ONCE, Finding
from oversight.invariants.sagas import FINAL_WITHIN
from oversight.looks import Look
from oversight.reading import Reading
from oversight.walking import walked

BOUND = FINAL_WITHIN
"""A process that died or stood still has been replaced by then, and what it left is done."""


@dataclass(frozen=True, slots=True)
class _Suspicion:
    """When this was found first, and when it was found again last."""

    first: datetime
    latest: datetime


class Auditor:
    """Goes round; what it suspects it remembers from one round to the next. `bound`: how long things may take."""

    def __init__(self, on: Reading, bound: timedelta = BOUND) -> None:
        self._on = on
        self._bound = bound
        self._suspected: dict[Look, Mapping[Finding, _Suspicion]] = {}
        self.checked = 0
        """looks taken so far"""

    async def audit(self) -> list[Finding]:
        """Look at everything once, give what is under way the time that it may take, and say what is violated."""
        await self.round(whole=True)
        if self.suspicions:
            await self.wait()
        return self.violations

    async def wait(self) -> None:
        """Give what is under way the time that it may take, then look at it again."""
        await self._on.clock.sleep(self._bound.total_seconds())
        await self.look_again()

    async def round(self, *, whole: bool) -> None:
        """Look at everything once; not `whole`: only at what may still change."""
        async with aclosing(walked(self._on, whole=whole)) as looks:
            async for look, findings in looks:
                self._note(look, findings)

    async def look_again(self) -> None:
        """Look at each place where something was found so long ago that it must have been put right since."""
        before = self._on.clock.now() - self._bound
        waited = [look for look, found in self._suspected.items() if any(one.first <= before for one in found.values())]
        for look in waited:
            self._note(look, await look.taken(self._on))

    async def look_at_suspected(self) -> None:
        """Look at each place again where something was found, however lately."""
        for look in list(self._suspected):
            self._note(look, await look.taken(self._on))

    @property
    def violations(self) -> list[Finding]:
        """What is violated, as of the latest look at each place."""
        return [finding for finding, one in self._found() if self._is_violation(finding, one)]

    @property
    def suspicions(self) -> list[Finding]:
        """What may be under way and is not a violation yet."""
        return [finding for finding, one in self._found() if not self._is_violation(finding, one)]

    def _found(self) -> Iterator[tuple[Finding, _Suspicion]]:
        for found in self._suspected.values():
            yield from found.items()

    def _is_violation(self, finding: Finding, one: _Suspicion) -> bool:
        return finding.kind in AT_ONCE or one.latest - one.first >= self._bound

    def _note(self, look: Look, findings: list[Finding]) -> None:
        """What was found before and is not found any more was under way, or has been mended."""
        self.checked += 1
        if not findings:
            self._suspected.pop(look, None)
            return
        now = self._on.clock.now()
        known = self._suspected.get(look, {})
        self._suspected[look] = {
            finding: replace(known[finding], latest=now) if finding in known else _Suspicion(now, now)
            for finding in findings
        }
