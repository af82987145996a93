"""The embedded broker, which keeps its topics in memory only, dies during bookings and after them."""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.notify.domain.notices import Notice
from tests.support.stack import until
from tests.support.workload import BEFORE
from turnus_runtime.installation import nearby
from turnus_runtime.operations import connected
from turnus_runtime.process import installed
from turnus_runtime.settings import Settings, load

BOOKINGS = 100


class Up:
    """A `turnus up` of the test's own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.log = data.parent / "up.log"

    async def start(self) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TURNUS_")}
        unlimited = {f"TURNUS_RATE_LIMITS_GUEST_{what}_PER_MINUTE": "1000000" for what in ("READS", "WRITES")}
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "turnus_runtime.cli", "up", "--data-dir", str(self.data)),
                stdout=log,
                stderr=log,
                env={**inherited, **unlimited, "TURNUS_CLOCK_START": BEFORE},
            )
        await until(lambda: (self.data / "demo.json").exists() or self.process.returncode is not None, "it is up", 240)
        assert self.process.returncode is None, self.log.read_text()[-3000:]
        self.demo: dict[str, Any] = json.loads((self.data / "demo.json").read_text())

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(self.process.wait(), 40)

    def kill_broker(self) -> None:
        """SIGKILL; the supervisor brings it back empty."""
        port = json.loads((self.data / "ports.json").read_text())["broker"]
        found = [
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and f"tcp://127.0.0.1:{port}" in _command(entry)
        ]
        assert found, "no broker runs"
        for pid in found:
            os.kill(pid, signal.SIGKILL)


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
    except OSError:
        return ""


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Up]:
    running = Up(tmp_path / "data")
    await running.start()
    yield running
    await running.stop()


@pytest.mark.embedded_only
async def test_a_broker_that_loses_everything_only_delays_bookings(up: Up) -> None:
    staff = {"Authorization": f"Bearer {up.demo['owner']['api_key']}"}
    async with httpx.AsyncClient(base_url=f"{up.demo['url']}/api/v1", timeout=60) as api:
        offered = (
            await api.get("/slots", params={"calendar": "demo/beratung", "start": "2027-03-01", "end": "2027-04-15"})
        ).json()
        starts = [start for day in offered["days"].values() for start in day][::3][: BOOKINGS + 1]
        assert len(starts) == BOOKINGS + 1
        at_once = asyncio.Semaphore(4)

        async def guest(number: int, start: str) -> None:
            body = {
                "calendar": "demo/beratung",
                "start": start,
                "tz": "Europe/Berlin",
                "guest": {"name": f"Guest {number}", "email": f"guest{number}@example.net"},
            }
            async with at_once:
                for _ in range(300):
                    answer = await api.post("/bookings", json=body, headers={"Idempotency-Key": f"guest-{number}"})
                    if answer.status_code in (201, 202):
                        return
                    assert answer.status_code == 503, answer.text
                    await asyncio.sleep(0.1)
                raise AssertionError(f"guest {number} got no answer")

        booking = asyncio.gather(*(guest(number, start) for number, start in enumerate(starts[:-1])))
        await asyncio.sleep(0.5)
        up.kill_broker()
        await booking
        bookings = await _final(api, staff)
        assert Counter(one["status"] for one in bookings) == {"confirmed": BOOKINGS}
        up.kill_broker()
        await _one_mail_each(api)
        async with connected(installed(["notify"]), nearby(load(Settings, data_dir=up.data))) as process:
            notices = process.hosts["notify"].records
            await process.hosts["notify"].ports.store.prepare({Notice.collection: [*Notice.indexes, "self"]})
            for one in bookings:
                notice = await notices.get(Notice, one["id"])
                assert notice is not None
                assert any(entry.kind == "timer" for entry in notice.owed), "its reminders are planned"
        # The second loss, with nothing under way, changes nothing: one more booking goes its whole way.
        await guest(BOOKINGS, starts[-1])
        assert len(await _final(api, staff)) == BOOKINGS + 1
        await _one_mail_each(api, BOOKINGS + 1)


async def _final(api: httpx.AsyncClient, staff: dict[str, str]) -> list[dict[str, Any]]:
    for _ in range(240):
        found = (await api.get("/bookings?limit=200", headers=staff)).json()["items"]
        if not any(one["status"] == "requested" for one in found):
            return list(found)
        await asyncio.sleep(0.5)
    raise AssertionError(f"not all are final: {Counter(one['status'] for one in found)}")


async def _one_mail_each(api: httpx.AsyncClient, bookings: int = BOOKINGS) -> None:
    """Wait for the mails, then a moment longer for any that should not come."""
    mailbox = str(api.base_url).replace("/api/v1/", "/mailbox/messages.json")
    wanted = {f"guest{number}@example.net": 1 for number in range(bookings)}
    found: Counter[str] = Counter()
    for _ in range(480):
        mails = (await api.get(mailbox, params={"limit": 1000})).json()
        found = Counter(address for mail in mails for address in mail["to"] if address.endswith("example.net"))
        if len(found) == bookings:
            break
        await asyncio.sleep(0.5)
    await asyncio.sleep(3)
    mails = (await api.get(mailbox, params={"limit": 1000})).json()
    found = Counter(address for mail in mails for address in mail["to"] if address.endswith("example.net"))
    assert found == wanted
