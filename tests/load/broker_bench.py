"""Raw limits of the broker adapter: `python -m tests.load.broker_bench` (Tansu; Kafka with TURNUS_TEST_KAFKA=apache).

Publish round trips at 1, 16 and 128 callers, consumption with a handler that does nothing, and the way from a publish
to its handler at a low rate. One table line each.
"""

import asyncio
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

from tests.load.figures import percentile
from tests.support.kafka import BrokerServer, new_broker, until
from turnus_runtime.kafka import KafkaBroker
from turnus_runtime.kafka.session import ConsumerOptions
from turnus_runtime.ports import Message, TopicSpec

SPEC = TopicSpec("Bench", 6, compacted=False)
VALUE = b"x" * 400
CONSUMED = 20_000


@dataclass(frozen=True)
class Published:
    """Acknowledged publishes, and how long each was waited for."""

    per_second: float
    p50_ms: float
    p99_ms: float


async def publishing(broker: KafkaBroker, callers: int, seconds: float = 3.0) -> Published:
    """So many callers, each waiting for its own."""
    taken: list[float] = []
    end = time.perf_counter() + seconds

    async def call(number: int) -> None:
        while (began := time.perf_counter()) < end:
            await broker.publish([Message(SPEC.name, f"k{number}", VALUE)])
            taken.append(time.perf_counter() - began)

    await asyncio.gather(*(call(number) for number in range(callers)))
    taken.sort()
    return Published(len(taken) / seconds, percentile(taken, 0.5) * 1000, percentile(taken, 0.99) * 1000)


async def consuming(broker: KafkaBroker) -> None:
    got = 0

    async def receive(_message: Message) -> None:
        nonlocal got
        got += 1

    for _ in range(CONSUMED // 500):
        await broker.publish([Message("Consumed", f"k{n}", VALUE) for n in range(500)])
    consumer = broker.consumer("bench", ["Consumed"], receive)
    await consumer.start()
    await until(lambda: got > 0)
    began, first = time.perf_counter(), got
    await until(lambda: got >= CONSUMED)
    sys.stdout.write(f"consume                 {(got - first) / (time.perf_counter() - began):8.0f}/s\n")
    await consumer.stop()


async def round_trips(broker: KafkaBroker, count: int = 300) -> None:
    arrived: asyncio.Queue[float] = asyncio.Queue()

    async def receive(_message: Message) -> None:
        arrived.put_nowait(time.perf_counter())

    consumer = broker.consumer("trips", ["Trips"], receive)
    await consumer.start()
    await until(lambda: bool(consumer.health()["joined"]))
    taken: list[float] = []
    for number in range(count):
        began = time.perf_counter()
        await broker.publish([Message("Trips", f"k{number % 7}", VALUE)])
        taken.append(await arrived.get() - began)
        await asyncio.sleep(0.002 * (number % 7))
    taken.sort()
    p50, p99 = (percentile(taken, share) * 1000 for share in (0.5, 0.99))
    sys.stdout.write(f"publish → handler                     p50 {p50:6.2f} ms   p99 {p99:6.2f} ms\n")
    began = time.process_time()
    await asyncio.sleep(3)
    sys.stdout.write(f"idle consumer           {(time.process_time() - began) / 3 * 100:8.1f} % of a core\n")
    await consumer.stop()


async def main(server: BrokerServer) -> None:
    broker = KafkaBroker(
        server.url,
        client_id="bench",
        idempotent=server.idempotent,
        fetch_max_wait_ms=server.fetch_max_wait_ms,
        specs=[SPEC, TopicSpec("Consumed", 6, compacted=False), TopicSpec("Trips", 6, compacted=False)],
        consuming=ConsumerOptions(session_timeout_ms=server.session_timeout_ms),
    )
    await broker.start()
    sys.stdout.write(f"{type(server).__name__}\n")
    for callers in (1, 16, 128):
        done = await publishing(broker, callers)
        waits = f"p50 {done.p50_ms:6.2f} ms   p99 {done.p99_ms:6.2f} ms"
        sys.stdout.write(f"publish, {callers:3} callers    {done.per_second:8.0f}/s   {waits}\n")
    await consuming(broker)
    await round_trips(broker)
    await broker.stop()


if __name__ == "__main__":
    with suppress(ImportError):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    chosen = new_broker()
    chosen.start()
    try:
        asyncio.run(main(chosen))
    finally:
        chosen.close()
