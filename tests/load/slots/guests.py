"""Guests who ask one process for slots over HTTP, in a process of their own: `python -m tests.load.slots.guests`.

Each of them asks again as soon as the answer is there, over a connection of their own. Prints one JSON line:
`{"answers", "seconds", "p50_ms", "p99_ms", "bytes", "bad"}`.
"""

import argparse
import asyncio
import json
import sys
import time

from tests.load.figures import percentile

WARM_SECONDS = 1.0


class Guest(asyncio.Protocol):
    """One connection. `waits` are the seconds of each answer that began after `since`."""

    def __init__(self, request: bytes, since: float, until: float) -> None:
        self.request, self.since, self.until = request, since, until
        self.waits: list[float] = []
        self.bytes = self.bad = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._head = b""
        self._left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        if not self._left:
            self._head += data
            head, end, body = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            told = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
            self._left, self._head = int(told), b""
            self.bytes = self._left
            self.bad += not head.startswith(b"HTTP/1.1 200")
            data = body
        self._left -= len(data)
        if not self._left:
            self._answered()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(error or ConnectionError("the server ended the connection"))

    def _ask(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(self.request)

    def _answered(self) -> None:
        now = time.perf_counter()
        if self._began >= self.since:
            self.waits.append(now - self._began)
        if now < self.until:
            self._ask()
        else:
            self.ended.set_result(None)
            self._transport.close()


async def ask(host: str, port: int, path: str, guests: int, seconds: float) -> dict[str, float]:
    """What so many guests saw in so many seconds."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    since = time.perf_counter() + WARM_SECONDS
    loop = asyncio.get_running_loop()
    made = [
        (await loop.create_connection(lambda: Guest(request, since, since + seconds), host, port))[1]
        for _ in range(guests)
    ]
    await asyncio.gather(*(one.ended for one in made))
    waits = sorted(1000 * wait for one in made for wait in one.waits)
    return {
        "answers": len(waits),
        "seconds": seconds,
        "p50_ms": percentile(waits, 0.5),
        "p99_ms": percentile(waits, 0.99),
        "bytes": made[0].bytes,
        "bad": sum(one.bad for one in made),
    }


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("host")
    options.add_argument("port", type=int)
    options.add_argument("path")
    options.add_argument("--guests", type=int, default=8)
    options.add_argument("--seconds", type=float, default=8.0)
    given = options.parse_args()
    found = asyncio.run(ask(given.host, given.port, given.path, given.guests, given.seconds))
    sys.stdout.write(json.dumps(found) + "\n")
