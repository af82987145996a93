"""The faults: each makes something fail, ends it, and says what must work again then."""

# ruff: noqa: ASYNC110 (other processes are waited for, which set no event of ours)

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, Literal, TypeVar

from tests.chaos.guests import Board, now
from tests.chaos.messages import Messages
from tests.chaos.world import SESSION_TIMEOUT_MS, Line, World
from turnus_runtime.process import ROLES

T = TypeVar("T")
Need = Literal["booking", "mail", "ready"]
BOOKS = {("booking", "http"), ("booking", "consume"), ("availability", "consume"), ("assignment", "consume")}
"""Whom a booking of a team needs."""
MAILS = {("notify", "consume"), ("notify", "jobs")}
KILLED_AT_ONCE = 3
STOPPED_SECONDS = SESSION_TIMEOUT_MS / 1000 + 2
RECOVERY_LIMIT_SECONDS = 90.0
LOOK_EVERY_SECONDS = 0.1


@dataclass
class Made:
    """A fault that was made. Times are seconds since the epoch.

    `ended` is when what failed was there again: a server answered, a process was told to go on, a line was whole; for a
    process that was ended, the moment of the signal, so that its start counts. `recovered`: how long after that the
    first guest who asked after it was told that they are booked (`booking`), the first mail to such a guest was taken
    (`mail`), every process that was hit said that it is ready (`ready`); None: not within 90 s.
    """

    kind: str
    target: str
    began: float
    ended: float = 0.0
    needs: tuple[Need, ...] = ("booking",)
    recovered: dict[str, float | None] = field(default_factory=dict[str, "float | None"])
    confirmed_meanwhile: int = 0
    note: str = ""

    def shown(self) -> dict[str, Any]:
        return asdict(self)


class Deck(Generic[T]):
    """Every card once before any comes again."""

    def __init__(self, cards: Sequence[T], chance: random.Random) -> None:
        self._cards = list(cards)
        self._left: list[T] = []
        self._chance = chance

    def draw(self, count: int = 1) -> list[T]:
        drawn: list[T] = []
        while len(drawn) < min(count, len(self._cards)):
            if not self._left:
                self._left = [card for card in self._cards if card not in drawn]
                self._chance.shuffle(self._left)
            drawn.append(self._left.pop())
        return drawn


class Faults:
    """Makes them, one after the other, in an order that the seed decides."""

    def __init__(self, world: World, board: Board, seed: int) -> None:
        self.made: list[Made] = []
        self.letters_before_losses: list[dict[str, Any]] = []
        """dead letters that were there before a broker lost its topics"""
        self.messages = Messages(world, random.Random(f"messages {seed}"))
        self._world = world
        self._board = board
        self._chance = random.Random(f"faults {seed}")
        names = list(world.processes)
        self._decks = {kind: Deck(names, self._chance) for kind in ("sigkill", "sigterm", "sigstop")}
        self._servers = Deck(["broker", "store", "cache", "mail"], self._chance)
        self.kinds: Mapping[str, Callable[[], Awaitable[Made]]] = {
            "sigkill": lambda: self._end("sigkill", signal.SIGKILL),
            "sigterm": lambda: self._end("sigterm", signal.SIGTERM),
            "sigstop": self._stop,
            "broker restart": self._restart_broker,
            "broker lost": self._lose_broker,
            "store sigkill": self._kill_store,
            "redis gone": self._lose_cache,
            "mail refused": lambda: self._mail("refusing"),
            "mail stalled": lambda: self._mail("stalling"),
            "delay": self._delay,
            "cut": self._cut,
            "half-open": self._half_open,
            "reset": self._reset,
            "poison": self._poison,
            "duplicates": self._duplicates,
        }

    def rounds(self, count: int, kinds: Sequence[str]) -> list[str]:
        """Every kind once a round, shuffled."""
        return [kind for _ in range(count) for kind in self._chance.sample(list(kinds), len(kinds))]

    async def make(self, kind: str) -> Made:
        """Make one, wait until what needs it works again (at most 90 s), and write it down."""
        made = await self.kinds[kind]()
        self.made.append(made)
        await asyncio.gather(*(self._recover(made, need) for need in made.needs))
        made.confirmed_meanwhile = self._board.confirmed_between(made.began, made.ended)
        return made

    # -- processes

    async def _end(self, kind: str, number: int) -> Made:
        names = self._decks[kind].draw(KILLED_AT_ONCE)
        made = Made(kind, ", ".join(names), now(), needs=self._needs_of(names))
        for name in names:
            if not self._world.processes[name].hit(number):
                made.note = f"{name} was not there"
        made.ended = now()
        await asyncio.gather(*(self._world.processes[name].ended(made.began) for name in names))
        made.note = made.note or f"all ended after {now() - made.began:.1f} s"
        return made

    async def _stop(self) -> Made:
        names = self._decks["sigstop"].draw()
        made = Made("sigstop", ", ".join(names), now(), needs=self._needs_of(names))
        for name in names:
            self._world.processes[name].hit(signal.SIGSTOP)
        await asyncio.sleep(STOPPED_SECONDS)
        for name in names:
            self._world.processes[name].hit(signal.SIGCONT)
        made.ended = now()
        return made

    def _needs_of(self, names: Sequence[str]) -> tuple[Need, ...]:
        roles = [
            (process.service, role)
            for process in map(self._world.processes.__getitem__, names)
            for role in (process.roles or ROLES)
        ]
        needs: list[Need] = ["ready"]
        if BOOKS.intersection(roles):
            needs.append("booking")
        if MAILS.intersection(roles):
            needs.append("mail")
        return tuple(needs)

    # -- servers

    async def _restart_broker(self) -> Made:
        broker, number = self._world.broker, self._chance.choice([signal.SIGTERM, signal.SIGKILL])
        made = Made("broker restart", signal.Signals(number).name, now(), needs=("booking", "mail"))
        await asyncio.to_thread(broker.end, number)
        await asyncio.to_thread(broker.start)
        made.ended = now()
        return made

    async def _lose_broker(self) -> Made:
        self.letters_before_losses += await self.messages.unexplained_letters()
        made = Made("broker lost", "all topics", now(), needs=("booking", "mail"))
        await asyncio.to_thread(self._world.broker.lose_everything)
        made.ended = now()
        for _ in range(5):
            code, _, complained = await self._world.operate("republish")
            if code == 0:
                break
            made.note = f"republish ended with {code}: {complained[-300:].strip()}; "
        else:
            raise AssertionError(made.note)
        made.note += f"republished after {now() - made.ended:.1f} s"
        return made

    async def _kill_store(self) -> Made:
        made = Made("store sigkill", "store", now(), needs=("booking", "mail"))
        await self._world.store.kill()
        await self._world.store.start()
        made.ended = now()
        return made

    async def _lose_cache(self) -> Made:
        made = Made("redis gone", "cache", now())
        await self._world.cache.kill()
        await asyncio.sleep(self._chance.uniform(3, 6))
        await self._world.cache.start()
        made.ended = now()
        return made

    async def _mail(self, mood: Literal["refusing", "stalling"]) -> Made:
        made = Made("mail refused" if mood == "refusing" else "mail stalled", "mail", now(), needs=("mail",))
        self._world.mail.feel(mood)
        await asyncio.sleep(self._chance.uniform(4, 8))
        self._world.mail.feel("well")
        made.ended = now()
        return made

    # -- lines

    def _lines(self) -> list[Line]:
        """All lines of one server, or one of them, by turns of chance."""
        server = self._servers.draw()[0]
        lines = [line for line in self._world.lines if line.server == server]
        return lines if self._chance.random() < 0.5 else [self._chance.choice(lines)]

    async def _on_lines(self, kind: str, begin: Callable[[str], Awaitable[None]], seconds: float) -> Made:
        lines = self._lines()
        target = lines[0].name if len(lines) == 1 else f"all-{lines[0].server}"
        needs: list[Need] = ["booking"]
        if lines[0].server == "mail":
            needs = ["mail"]
        elif "notify" in {line.service for line in lines} and lines[0].server != "cache":
            needs.append("mail")
        made = Made(kind, target, now(), needs=tuple(needs))
        await asyncio.gather(*(begin(line.name) for line in lines))
        await asyncio.sleep(seconds)
        await asyncio.gather(*(self._world.toxiproxy.mend(line.name) for line in lines))
        made.ended = now()
        return made

    async def _delay(self) -> Made:
        ms = self._chance.randint(50, 400)
        made = await self._on_lines(
            "delay", lambda name: self._world.toxiproxy.poison(name, "latency", latency=ms, jitter=ms // 2), 5
        )
        made.note = f"{ms} ± {ms // 2} ms each way"
        return made

    async def _cut(self) -> Made:
        return await self._on_lines("cut", self._world.toxiproxy.cut, self._chance.uniform(2, 6))

    async def _half_open(self) -> Made:
        seconds = self._chance.uniform(4, STOPPED_SECONDS + 2)
        return await self._on_lines(
            "half-open", lambda name: self._world.toxiproxy.poison(name, "timeout", timeout=0), seconds
        )

    async def _reset(self) -> Made:
        return await self._on_lines(
            "reset", lambda name: self._world.toxiproxy.poison(name, "reset_peer", timeout=0), 1
        )

    # -- messages

    async def _poison(self) -> Made:
        made = Made("poison", "all topics", now())
        made.note = f"{await self.messages.poison()} messages"
        made.ended = now()
        return made

    async def _duplicates(self) -> Made:
        made = Made("duplicates", "all topics", now())
        made.note = f"{await self.messages.duplicate()} messages"
        made.ended = now()
        return made

    # -- recovery

    async def _recover(self, made: Made, need: Need) -> None:
        look = {"booking": self._booked, "mail": self._mailed, "ready": self._ready}[need]
        try:
            async with asyncio.timeout(RECOVERY_LIMIT_SECONDS):
                while (at := await look(made)) is None:
                    await asyncio.sleep(LOOK_EVERY_SECONDS)
        except TimeoutError:
            made.recovered[need] = None
        else:
            made.recovered[need] = round(max(at - made.ended, 0.0), 2)

    async def _booked(self, made: Made) -> float | None:
        return self._board.confirmed_after(made.ended)

    async def _mailed(self, made: Made) -> float | None:
        for mail in reversed(self._world.mail.taken):
            if mail.at < made.ended:
                break
            if (guest := self._board.guests.get(guest_of(mail.to))) and guest.asked >= made.ended:
                return mail.at  # the latest; the first one is looked for every 0.1 s
        return None

    async def _ready(self, made: Made) -> float | None:
        names = made.target.split(", ")
        ready = [await self._world.processes[name].is_ready(self._world.client) for name in names]
        return now() if all(ready) else None


def guest_of(address: str) -> int:
    """The number of the guest with this mail address; -1: a host."""
    name = address.partition("@")[0]
    return int(name.removeprefix("guest")) if name.startswith("guest") else -1
