"""One subscription that does not die: lanes, offsets, and a supervisor over sessions with the broker."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from turnus_runtime.kafka.session import ConsumerOptions, Session
from turnus_runtime.lane_work import LaneWork
from turnus_runtime.lanes import Lanes, Partition
from turnus_runtime.ports import BrokerUnavailable, LaneOf, Message, Receive

TICK_SECONDS = 0.25
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)
UNJOINED_WARNING_SECONDS = 15.0

log = structlog.get_logger(__name__)


class KafkaConsumer:
    """The `Consumer` port. `start` returns at once: the supervisor joins the group as soon as the broker lets it."""

    def __init__(
        self,
        url: str,
        group: str,
        topics: Sequence[str],
        receive: Receive,
        lane_of: LaneOf,
        *,
        client_id: str,
        fetch_max_wait_ms: int,
        options: ConsumerOptions,
        make_missing: Callable[[Sequence[str]], Awaitable[None]],
        observe: Callable[[str, str, float, int], None],
    ) -> None:
        self._url = url
        self._group = group
        self._topics = tuple(topics)
        self._client_id = client_id
        self._fetch_max_wait_ms = fetch_max_wait_ms
        self._options = options
        self._make_missing = make_missing
        self._observe = observe
        self._lanes = Lanes(lane_of, limit=options.max_in_flight, batch=options.max_records, depth=options.lane_depth)
        self._work = LaneWork(self._lanes, receive, self._pauses)
        self._session: Session | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._stopping = False
        self._restarts = 0
        self._lag = 0
        self._joined_at = 0.0
        self._committed_at = 0.0

    # -- the port

    async def start(self) -> None:
        """Begin. The broker need not be there."""
        if self._supervisor is None:
            self._joined_at = asyncio.get_running_loop().time()
            self._supervise()

    async def stop(self) -> None:
        """Take nothing more, finish what was taken (bounded), commit it, leave the group."""
        self._stopping = True
        session = self._session
        if session is not None:
            session.taking = False
        await self._work.stop(self._options.drain)
        if session is not None:
            await self._commit(session)
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
        await self._end_session()

    @property
    def busy(self) -> int:
        return self._lanes.busy

    def health(self) -> Mapping[str, Any]:
        """How it is going; times in seconds.

        `alive`: the loops run. `joined`: the group gave this member its part (perhaps an empty one). `moving`: joined,
        and polled within the last `poll_limit`. `lag` counts messages behind the partitions' ends as of their last
        fetch (Tansu's own answer to that question is wrong), taken and unfinished ones included; it misses what came
        while a partition is paused.
        """
        session = self._session
        now = asyncio.get_running_loop().time()
        oldest = self._lanes.oldest()
        poll_age = now - session.polled_at if session else None
        joined = session is not None and session.joined
        supervised = self._supervisor is not None and not self._supervisor.done()
        return {
            "alive": supervised and session is not None and session.alive,
            "joined": joined,
            "moving": joined and poll_age is not None and poll_age < self._options.poll_limit,
            "last_poll_age_s": poll_age,
            "in_flight": self._lanes.busy,
            "oldest_in_flight_s": 0.0 if oldest is None else now - oldest,
            "paused": bool(self._lanes.paused()),
            "partitions": len(self._lanes.partitions),
            "lag": self._lag,
            "restarts": self._restarts,
        }

    # -- what the session calls

    def take(self, messages: Sequence[Message]) -> None:
        """Hand over a batch; never waits."""
        self._work.hand_over(messages)
        self._observe("consume", messages[0].topic, 0.0, len(messages))

    def assigned(self, partitions: set[Partition]) -> None:
        """The group gave us these."""
        self._lanes.open(partitions)
        self._joined_at = asyncio.get_running_loop().time()
        log.info("partitions_assigned", group=self._group, partitions=len(partitions))

    async def revoked(self, session: Session, partitions: set[Partition]) -> None:
        """The group takes these away: end what is being handled (bounded), drop what waits, commit, forget."""
        self._work.close(partitions)
        if not await self._work.settle(partitions, self._options.revoke):
            running = self._lanes.running(partitions)
            log.warning("handling_goes_on_after_revocation", group=self._group, messages=running)
        await self._commit(session)
        self._lanes.forget(partitions)

    # -- inside

    def _pauses(self) -> None:
        if self._session is not None:
            self._session.pause_exactly(self._lanes.paused())

    def _supervise(self) -> None:
        self._supervisor = asyncio.create_task(self._watch())
        self._supervisor.add_done_callback(self._watch_ended)

    def _watch_ended(self, task: asyncio.Task[None]) -> None:
        if not self._stopping:
            problem = None if task.cancelled() else task.exception()
            log.critical("consumer_supervisor_died", group=self._group, exc_info=problem)
            self._restarts += 1
            self._supervise()

    async def _watch(self) -> None:
        """Keep a session with the broker alive, commit on the timer, look for topics that vanished."""
        failures = 0
        while not self._stopping:
            try:
                if self._session is None:
                    await self._begin_session()
                    failures = 0
                await asyncio.sleep(TICK_SECONDS)
                await self._tick()
            except (BrokerUnavailable, KafkaError, OSError, TimeoutError) as problem:
                pause = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
                if failures == 0:
                    log.warning("consumer_waits_for_broker", group=self._group, problem=type(problem).__name__)
                failures += 1
                await asyncio.sleep(pause)

    async def _begin_session(self) -> None:
        await self._make_missing(self._topics)
        session = Session(
            self,
            self._url,
            self._group,
            self._topics,
            client_id=self._client_id,
            fetch_max_wait_ms=self._fetch_max_wait_ms,
            options=self._options,
        )
        self._session = session
        try:
            await session.start()
        except BaseException:
            await self._end_session()
            raise

    async def _end_session(self) -> None:
        session, self._session = self._session, None
        self._lanes.forget(self._lanes.partitions)
        if session is not None:
            await session.stop()

    async def _tick(self) -> None:
        session = self._session
        if session is None:
            return
        now = asyncio.get_running_loop().time()
        if not session.alive or now - session.polled_at > self._options.poll_limit:
            log.error("consume_loop_died", group=self._group, last_poll_age_s=round(now - session.polled_at, 1))
            self._restarts += 1
            await self._end_session()
            return
        if session.joined:
            self._joined_at = now
            self._lag = await session.lag(self._lanes.positions())
        elif now - self._joined_at > UNJOINED_WARNING_SECONDS:
            self._joined_at = now
            log.warning("consumer_without_group", group=self._group)
        if now - self._committed_at >= self._options.commit_every:
            self._committed_at = now
            await self._commit(session)
        if missing := session.missing_topics():
            await self._make_missing(missing)
        self._pauses()

    async def _commit(self, session: Session) -> None:
        offsets = self._lanes.to_commit()
        if offsets:
            began = time.perf_counter()
            if await session.commit(offsets):
                self._lanes.committed(offsets)
                self._observe("commit", "", time.perf_counter() - began, len(offsets))
