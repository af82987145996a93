"""The relay: publishes what was just written, in order per record, and clears it lazily.

The sweeper (`turnus_runtime.sweeper`) does the same for what a dead process left behind. Sent entries leave the record
with its next write, or by one bulk of `clear` a moment later; a second saying is only a duplicate.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog

from turnus_contracts import Event
from turnus_runtime.consume import SUBJECT
from turnus_runtime.ports import Broker, BrokerUnavailable, Clock, Message, Store, StoreUnavailable
from turnus_runtime.records import Owed, Record
from turnus_runtime.service import Service
from turnus_runtime.telemetry import current_traceparent

CLEAR_EVERY_SECONDS = 0.5
"""Well below GRACE_MS: the sweeper must not find what was sent."""
RETRY_SECONDS = (0.05, 0.2, 0.5, 1.0)
"""Pauses of the relay while the broker is away; then the entries are the sweeper's."""

log = structlog.get_logger(__name__)


class Relay:
    """Publishes for one service in one process."""

    def __init__(self, service: Service, broker: Broker, store: Store, clock: Clock) -> None:
        self._service = service
        self._about = {event.topic(): event.about for event in service.publishes}
        self._broker = broker
        self._store = store
        self._clock = clock
        self._chains: dict[tuple[str, str], list[Record]] = {}
        self._sent: dict[tuple[str, str], set[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._clearing: asyncio.Task[None] | None = None
        self.on_cleared: Callable[[tuple[str, str], frozenset[str]], None] = lambda place, ids: None
        """Told which entries left which document, so that kept copies forget them too."""

    def offer(self, record: Record) -> None:
        """Publish what this record, just written, owes; records of one id one after the other."""
        if not any(entry.kind in ("event", "state") for entry in record.owed):
            return
        place = (record.collection, record.id)
        if (chain := self._chains.get(place)) is not None:
            chain[:] = [record]  # the later copy owes all that the earlier one did
            return
        self._chains[place] = [record]
        self._spawn(self._publish_chain(place))

    def sent(self, collection: str, id: str) -> frozenset[str]:
        """Entries published and not cleared yet."""
        return frozenset(self._sent.get((collection, id), ()))

    def cleared(self, collection: str, id: str, owed_ids: frozenset[str]) -> None:
        """A write of the record left these out: no need to clear them."""
        left = self._sent.get((collection, id))
        if left is not None:
            left -= owed_ids
            if not left:
                del self._sent[(collection, id)]

    async def say(self, events: Sequence[Event]) -> None:
        """Publish without storing; returns when acknowledged."""
        now = self._clock.now()
        trace = current_traceparent()
        await self._broker.publish(
            [self._message(fact.topic(), fact.key, fact.ce_id, _json(fact), now, trace, vars(fact)) for fact in events]
        )

    async def publish_owed(self, record: Record, entries: Sequence[Owed]) -> None:
        """Publish these entries of the record and remember them as sent."""
        now = self._clock.now()
        messages: list[Message] = []
        for entry in entries:
            messages += self._messages(record, entry, now)
        await self._broker.publish(messages)
        self._sent.setdefault((record.collection, record.id), set()).update(entry.id for entry in entries)
        if self._clearing is None:
            self._clearing = self._spawn(self._clear_later())

    async def stop(self) -> None:
        """Publish and clear what is under way; what cannot be published now is left to the sweeper."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    @property
    def idle(self) -> bool:
        """Nothing under way in this process."""
        return not self._chains and not self._sent

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _publish_chain(self, place: tuple[str, str]) -> None:
        chain = self._chains[place]
        try:
            while chain:
                record = chain.pop()
                done = self._sent.get(place, set())
                entries = [e for e in record.owed if e.kind in ("event", "state") and e.id not in done]
                if entries and not await self._publish_patiently(record, entries):
                    return
        finally:
            del self._chains[place]

    async def _publish_patiently(self, record: Record, entries: Sequence[Owed]) -> bool:
        for pause in (*RETRY_SECONDS, None):
            try:
                await self.publish_owed(record, entries)
            except BrokerUnavailable:
                if pause is None:
                    log.warning("relay_left_to_sweeper", collection=record.collection, entries=len(entries))
                    return False
                await self._clock.sleep(pause)
            else:
                return True
        return False

    async def _clear_later(self) -> None:
        await self._clock.sleep(CLEAR_EVERY_SECONDS)
        self._clearing = None
        pending = {place: frozenset(ids) for place, ids in self._sent.items()}
        try:
            await asyncio.gather(*(self._store.clear(*place, sorted(ids)) for place, ids in pending.items()))
        except StoreUnavailable:
            log.warning("relay_could_not_clear", records=len(pending))
        for place, ids in pending.items():
            self.cleared(*place, ids)
            self.on_cleared(place, ids)

    def _messages(self, record: Record, entry: Owed, now: datetime) -> list[Message]:
        if entry.kind == "event":
            ce_id = entry.id.rpartition("@")[0] or entry.id
            value = json.dumps(entry.data, separators=(",", ":"), ensure_ascii=False).encode()
            return [self._message(entry.name, entry.key, ce_id, value, now, entry.trace, entry.data or {})]
        return [
            self._message(fact.topic(), fact.key, fact.ce_id, _json(fact), now, entry.trace, vars(fact))
            for fact in described(self._service, record, now)
            if fact.topic() == entry.name
        ]

    def _message(
        self, topic: str, key: str, ce_id: str, value: bytes, now: datetime, trace: str, data: Mapping[str, Any]
    ) -> Message:
        headers = {
            "ce_specversion": "1.0",
            "ce_id": ce_id,
            "ce_type": topic,
            "ce_source": f"/turnus/{self._service.name}",
            "ce_time": now.isoformat().replace("+00:00", "Z"),
            "content-type": "application/json",
        }
        if (about := self._about.get(topic)) is not None:
            headers[SUBJECT] = str(data[about])
        if trace:
            headers["traceparent"] = trace
        return Message(topic, key, value, headers)


def described(service: Service, record: Record, now: datetime, *, daily: bool | None = None) -> list[Event]:
    """What a record says of itself now, by the service's `says` table (`daily`: only those with that mark)."""
    return [
        fact
        for says in service.says
        if says.record is type(record) and (daily is None or says.daily is daily)
        for fact in says.events(record, now)
    ]


def _json(fact: Event) -> bytes:
    return fact.model_dump_json().encode()
