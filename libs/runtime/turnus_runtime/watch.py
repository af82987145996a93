"""What one service tells of itself while it runs: how much it has left to do, how far it lags, what it gave up.

Counts and lags are figures of the whole installation and the same for everybody who asks, so they are taken once and
told again for a moment. Letters are told by workspace.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from turnus_contracts import ChangeRecorded
from turnus_runtime.dead_letters import Reader, replay
from turnus_runtime.figures import COUNTED, OwedWork, owed_now
from turnus_runtime.letterbox import DONE, FiledLetter, Letterbox
from turnus_runtime.ports import BrokerUnavailable

if TYPE_CHECKING:
    from turnus_runtime.host import Host

BROKER_SECONDS = 4.0
"""How long a question waits for the broker; who asks is shown the rest without it."""
KEPT_SECONDS = 1.0
"""How long figures are told again."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How a service is, taken at one moment. `lags` by topic and `dead_letters` are None while the broker is away.

    `dead_letters` are those of all workspaces that nobody has replayed, counted up to `COUNTED`.
    """

    taken_at: datetime
    ready: bool
    owed: OwedWork
    lags: Mapping[str, int] | None
    dead_letters: int | None


class Watch:
    """Looks at one host. `ready` says whether its process can work."""

    def __init__(self, host: "Host", reader: Reader, ready: Callable[[], bool]) -> None:
        self._host = host
        self._reader = reader
        self._ready = ready
        self._box = Letterbox(host.service.name, host.records)
        self._taking = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._replaying = asyncio.Lock()
        self._kept: tuple[float, Figures] | None = None

    async def figures(self) -> Figures:
        """The figures of now, or of a moment ago. Raises `StoreUnavailable`."""
        async with self._taking:
            if self._kept is None or time.monotonic() - self._kept[0] > KEPT_SECONDS:
                self._kept = time.monotonic(), await self._figures()
            return self._kept[1]

    async def made(self) -> str:
        """The id of the topic of dead letters, with all that it says known as far as the broker lets that be."""
        with suppress(BrokerUnavailable):
            await self._read_on()
        return await self._box.made()

    async def letter(self, letter_id: str) -> FiledLetter | None:
        """A letter by its id."""
        return await self._box.letter(letter_id)

    async def replay(self, letter: FiledLetter, actor_id: str) -> FiledLetter | None:
        """Have the letter tried again, which the audit log is told first; one that was replayed stays as it is.

        None: the topic does not hold it any more. Raises `BrokerUnavailable`: then it may have been replayed or not,
        and replaying it again does no harm.
        """
        async with self._replaying:
            await self._read_on()
            known = await self._box.letter(letter.id)
            if known is None or known.version == DONE:
                return known
            async with _in_time():
                content = await self._box.content(known, self._reader)
            if content is None:
                return None
            await self._host.relay.say([replaying(self._host.service.name, known, actor_id, self._host.turn().now)])
            await replay(self._host.ports.broker, [content])
            await self._read_on()
            return await self._box.letter(letter.id)

    async def _figures(self) -> Figures:
        taken_at = self._host.ports.clock.now()
        owed, lags, letters = await asyncio.gather(owed_now(self._host), self._lags(), self._letters())
        health = self._host.health()
        return Figures(taken_at, self._ready() and bool(health["alive"]), owed, lags, letters)

    async def _lags(self) -> Mapping[str, int] | None:
        try:
            async with _in_time():
                return await self._reader.lags(self._host.service.name, self._host.receiver.topics)
        except BrokerUnavailable:
            return None

    async def _letters(self) -> int | None:
        try:
            await self._read_on()
        except BrokerUnavailable:
            return None
        return await self._box.waiting(COUNTED)

    async def _read_on(self) -> None:
        async with _in_time(), self._reading:
            await self._box.read_on(self._reader)


def replaying(service: str, letter: FiledLetter, actor_id: str, now: datetime) -> ChangeRecorded:
    """The fact that somebody had this letter tried again; of whoever did it twice only the first counts."""
    return ChangeRecorded(
        workspace_id=letter.workspace_id,
        change_id=letter.id,
        service=service,
        at=now,
        actor_id=actor_id,
        action="replayed",
        thing="dead_letter",
        thing_id=letter.id,
    )


@asynccontextmanager
async def _in_time() -> AsyncGenerator[None]:
    """Raises `BrokerUnavailable` for what takes too long."""
    try:
        async with asyncio.timeout(BROKER_SECONDS):
            yield
    except TimeoutError:
        raise BrokerUnavailable(f"the broker did not answer within {BROKER_SECONDS:.0f} s") from None
