"""`turnus why` says what `GET /slots/why` says, by the store alone."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.integration.saga.conftest import day
from tests.integration.saga.test_booking import slots
from tests.support.logging_kept import logging_as_before
from tests.support.processes import free_port
from tests.support.system import System, Tenant
from turnus_runtime import cli
from turnus_runtime.settings import env_name

__all__ = ["logging_as_before"]

Asking = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def why(core: System, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Asking:
    """`turnus why` as typed, while no broker answers: exit code, stdout, stderr."""
    given = {**core.given, "data_dir": tmp_path, "kafka_url": f"127.0.0.1:{free_port()}"}
    for name, value in given.items():
        monkeypatch.setenv(env_name(name), str(value))

    async def ask(*typed: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = await asyncio.to_thread(cli.main, ["why", *typed])
        told = capsys.readouterr()
        return code, told.out, told.err

    return ask


async def test_every_reason_for_every_member_and_the_nearest_start_are_printed(
    core: System, tenant: Tenant, office: Any, why: Asking
) -> None:
    ada, grace = [await office.host(tenant, name) for name in ("Ada", "Grace")]
    calendar = await office.calendar(tenant, "beratung", [ada, grace])
    free = await slots(core, "demo/beratung")
    assert (await why("demo/beratung", free[0]))[0] == 0
    block = {"start": free[0], "end": free[2], "reason": "Doctor"}
    for member in (ada, grace):
        body = {"member_id": member, "items": [block]}
        assert (await core.client.post("/api/v1/blocks", headers=tenant.headers(member), json=body)).is_success
    code, out, _ = await why("demo/beratung", free[0])
    begins, ends, following = (datetime.fromisoformat(one).isoformat(" ", "minutes") for one in (*free[:3:2], free[2]))
    assert code == 1
    assert out.splitlines() == [
        f"{begins} (Europe/Berlin) is not offered in demo/beratung ({calendar['id']}).",
        "",
        f"{ada}: not offered",
        f"  The time is blocked. ({begins} to {ends})",
        "",
        f"{grace}: not offered",
        f"  The time is blocked. ({begins} to {ends})",
        "",
        f"The nearest other start that is offered: {following}",
    ]
    code, out, _ = await why(calendar["id"], f"{day(3)}T09:45")
    assert code == 1, "clocks of the calendar, by its id"
    assert out.startswith(
        datetime.fromisoformat(f"{day(3)}T09:45").replace(tzinfo=ZoneInfo("Europe/Berlin")).isoformat(" ", "minutes")
    )
    assert "No appointment starts at this minute" in out


async def test_programs_get_the_very_answer_of_the_api(core: System, tenant: Tenant, office: Any, why: Asking) -> None:
    host = await office.host(tenant, "Ada")
    await office.calendar(tenant, "beratung", [host])
    for start in (f"{day(3)}T10:00:00+01:00", f"{day(3)}T03:01:00Z", f"{day(-3)}T10:00:00+01:00"):
        asked = await core.client.get(
            "/api/v1/slots/why", params={"calendar": "demo/beratung", "start": start}, headers=tenant.headers(host)
        )
        code, out, _ = await why("demo/beratung", start, "--json")
        assert json.loads(out) == asked.json()
        assert code == (0 if asked.json()["hosts"][0]["offered"] else 1)


async def test_what_cannot_be_answered_is_2_and_one_sentence(
    core: System, why: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    for unknown in ("demo/nothing", "cal_01ARZ3NDEKTSV4RRFFQ69G5FAV", "x|y", ""):
        code, out, told = await why(unknown, "2027-01-12T10:00")
        assert (code, out) == (2, "")
        assert told.startswith("turnus: no calendar of this id or address was published here")
    monkeypatch.setenv("TURNUS_MONGO_URL", f"mongodb://127.0.0.1:{free_port()}/?serverSelectionTimeoutMS=100")
    code, out, told = await why("demo/beratung", "2027-01-12T10:00")
    assert (code, out) == (2, "")
    assert told.startswith("turnus: the store does not answer")
    assert told.count("\n") == 1
