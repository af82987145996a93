"""The raw limits of an installation's store, broker and HTTP, measured through the adapters that production uses."""

import secrets

from tests.load import broker_bench, store_bench
from tests.load.figures import Limit, Limits
from tests.load.guests import Guests
from tests.load.installation import Installation
from turnus_runtime.kafka import KafkaBroker
from turnus_runtime.mongo import MongoStore
from turnus_runtime.ports import TopicSpec
from turnus_runtime.settings import Settings, load

CALLERS = 128
HTTP_CALLERS = 16


async def measured(at: Installation, guests: Guests, seconds: float) -> Limits:
    """Each for so many seconds, of many callers and of one alone."""
    return {
        "store": await _compare_and_sets(at, seconds),
        "broker": await _publishes(at, seconds),
        "http": await _plain(at, guests, seconds),
    }


async def _compare_and_sets(at: Installation, seconds: float) -> Limit:
    store = MongoStore(load(Settings, **at.given).mongo_url, f"bench_{secrets.token_hex(4)}")
    try:
        await store.prepare({store_bench.COLLECTION: ()})
        meter = at.meter()
        many = await store_bench.measure(store, {}, CALLERS, seconds, hot=False)
        used = meter.read().processes
        alone = await store_bench.measure(store, {}, 1, seconds, hot=False)
    finally:
        await store.close()
    cpu_ms = (used["store"] + used["mail server"]) * 1000 / max(many.won * seconds, 1)
    return Limit(f"compare-and-sets, {CALLERS} callers", many.won, alone.p50_ms, cpu_ms)


async def _publishes(at: Installation, seconds: float) -> Limit:
    settings = load(Settings, **at.given)
    broker = KafkaBroker(
        settings.kafka_url,
        client_id="bench",
        idempotent=settings.kafka_idempotent,
        fetch_max_wait_ms=settings.kafka_fetch_max_wait_ms,
    )
    await broker.start()
    try:
        await broker.provision([TopicSpec(broker_bench.SPEC.name, settings.topic_partitions, compacted=False)])
        alone = await broker_bench.publishing(broker, 1, seconds)
        meter = at.meter()
        many = await broker_bench.publishing(broker, CALLERS, seconds)
        used = meter.read().processes
    finally:
        await broker.stop()
    cpu_ms = (used["broker"] + used["mail server"]) * 1000 / max(many.per_second * seconds, 1)
    return Limit(f"acknowledged publishes, {CALLERS} callers", many.per_second, alone.p50_ms, cpu_ms)


async def _plain(at: Installation, guests: Guests, seconds: float) -> Limit:
    alone = await guests.plain(seconds, 1)
    meter = at.meter()
    many = await guests.plain(seconds, HTTP_CALLERS)
    used = meter.read()
    ours = max((cpu for name, cpu in used.processes.items() if name != "guests"), default=0.0)
    return Limit(
        f"answers without any work, {HTTP_CALLERS} callers",
        many.in_time / seconds,
        alone.p50_ms,
        ours * 1000 / max(many.asked, 1),
    )
