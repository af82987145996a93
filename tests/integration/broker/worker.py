"""A consumer as a process of its own.

`worker.py URL GROUP TOPIC SLOW_MS IDEMPOTENT WAIT_MS SESSION_MS` prints what it does.

`began KEY VALUE` before the work of a message, `done KEY VALUE` after it, `joined N` at every change of its partitions.
"""

import asyncio
import signal
import sys

from turnus_runtime.kafka import KafkaBroker
from turnus_runtime.kafka.session import ConsumerOptions
from turnus_runtime.ports import Message


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main(url: str, group: str, topic: str, slow_ms: str, idempotent: str, wait_ms: str, session_ms: str) -> None:
    broker = KafkaBroker(
        url,
        client_id="worker",
        idempotent=idempotent == "1",
        fetch_max_wait_ms=int(wait_ms),
        consuming=ConsumerOptions(commit_every=0.2, session_timeout_ms=int(session_ms)),
    )

    async def receive(message: Message) -> None:
        say(f"began {message.key} {(message.value or b'').decode()}")
        await asyncio.sleep(int(slow_ms) / 1000)
        say(f"done {message.key} {(message.value or b'').decode()}")

    consumer = broker.consumer(group, [topic], receive)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await consumer.start()
    last = -1
    while not stopped.is_set():
        now = consumer.health()["partitions"] if consumer.health()["joined"] else 0
        if now != last:
            say(f"joined {now}")
            last = now
        await asyncio.sleep(0.05)
    await consumer.stop()
    await broker.stop()
    say("stopped")


asyncio.run(main(*sys.argv[1:]))
