"""`turnus audit` as operators run it."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from services.assignment.domain.rotation import Rotation
from tests.integration.audit.conftest import Installation, Stores
from tests.support.processes import free_port
from tests.support.system import eventually
from turnus_runtime.settings import env_name


async def turnus(installation: Installation, *typed: str, **settings: Any) -> Process:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TURNUS_")}
    told = {env_name(name): str(value) for name, value in {**installation.given, **settings}.items()}
    command = [sys.executable, "-m", "turnus_runtime.cli", "audit", *typed]
    return await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, env={**inherited, **told})


async def ended(process: Process) -> tuple[int | None, str, str]:
    out, told = await process.communicate()
    return process.returncode, out.decode(), told.decode()


async def unbalance(stores: Stores, installation: Installation, by: int) -> None:
    rotation = await stores.get("assignment", Rotation, installation.team)
    first, *others = rotation.members
    changed = first.model_copy(update={"credit": first.credit + by})
    await stores.put("assignment", rotation.change(members=(changed, *others)))


async def test_clean_stores_end_with_0(installation: Installation) -> None:
    code, out, told = await ended(await turnus(installation))
    assert (code, told) == (0, "")
    assert out.endswith("places looked at, no violations\n")


async def test_violations_are_printed_and_end_with_1(installation: Installation, stores: Stores) -> None:
    await unbalance(stores, installation, 1)
    code, out, _ = await ended(await turnus(installation))
    assert code == 1
    assert out.startswith("unbalanced: its credits add up to 1")
    assert f"    assignment.rotations/{installation.team}\n" in out
    assert out.endswith("1 violation\n")
    code, out, _ = await ended(await turnus(installation, "--json"))
    report = json.loads(out)
    assert (code, report["under_way"]) == (1, 0)
    assert [(one["kind"], one["records"]) for one in report["violations"]] == [
        ("unbalanced", [f"assignment.rotations/{installation.team}"])
    ]


async def test_what_may_be_under_way_is_looked_at_again_before_it_is_printed(
    installation: Installation, stores: Stores
) -> None:
    await stores.remove("assignment", Rotation, installation.team)
    code, out, told = await ended(await turnus(installation, "--bound", "1s"))
    assert told == "turnus: 1 suspicion may be something under way: looking again in 1 s\n"
    assert code == 1
    assert out.startswith("behind_source: ")


async def test_stores_that_do_not_answer_end_with_2_and_one_sentence(installation: Installation) -> None:
    away = f"mongodb://127.0.0.1:{free_port()}/?directConnection=true"
    code, out, told = await ended(await turnus(installation, mongo_url=away))
    assert (code, out) == (2, "")
    assert told.startswith("turnus: the store does not answer (")
    assert told.endswith("is it running, and is TURNUS_MONGO_URL right?\n")
    assert told.count("\n") == 1


class Watching:
    """A `turnus audit --watch`, its log lines, and its metrics."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self._admin = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}")

    async def read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]

    async def metrics(self) -> dict[str, float]:
        found = (await self._admin.get("/metrics")).text.splitlines()
        audit = [line.partition("{") for line in found if line.startswith("turnus_audit_")]
        return {name: float(rest.rpartition(" ")[2]) for name, _, rest in audit}

    async def close(self) -> None:
        await self._admin.aclose()


@asynccontextmanager
async def watching(installation: Installation) -> AsyncGenerator[Watching]:
    port = free_port()
    process = await turnus(installation, "--watch", "--every", "1s", admin_port=port)
    watch = Watching(process, port)
    reading = asyncio.create_task(watch.read())
    try:
        yield watch
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.gather(process.wait(), reading, watch.close())


async def test_a_watch_says_what_is_new_and_what_is_gone_and_counts_it(
    installation: Installation, stores: Stores
) -> None:
    async with watching(installation) as watch:

        async def said(event: str) -> None:
            async def lines() -> bool:
                return bool(watch.of(event))

            await eventually(lines, 60)

        await said("audit_round")
        assert watch.of("audit_round")[0]["whole"]
        told = await watch.metrics()
        assert told["turnus_audit_violations"] == 0
        assert told["turnus_audit_checked"] > 100
        assert told["turnus_audit_age_seconds"] >= 0
        await unbalance(stores, installation, 1)
        await said("audit_violation")
        (new,) = watch.of("audit_violation")
        assert (new["kind"], new["level"]) == ("unbalanced", "error")
        assert (await watch.metrics())["turnus_audit_violations"] == 1
        await unbalance(stores, installation, -1)
        await said("audit_violation_gone")
        assert not watch.of("audit_round")[-1]["whole"]
        watch.process.send_signal(signal.SIGTERM)
        assert await watch.process.wait() == 0
