"""Whose address it is, and who is limited."""

from ipaddress import ip_network
from typing import Any

import httpx
import pytest

from tests.unit.runtime.http.conftest import World
from tests.unit.runtime.http.problem import problem
from turnus_runtime.http import client_address

BOARD = "/api/v1/board?start=2027-01-04T09:00:00Z"
TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, nonsense, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        (None, "198.51.100.1", ""),
    ],
)
def test_forwarded_addresses_are_believed_from_trusted_proxies_only(
    peer: str | None, forwarded: str | None, address: str
) -> None:
    headers = [(b"x-forwarded-for", part.encode()) for part in (forwarded or "").split("; ") if part]
    scope: dict[str, Any] = {"client": (peer, 1) if peer else None, "headers": headers}
    assert client_address(scope, TRUSTED) == address


async def test_a_guest_is_limited_by_address_and_told_what_is_left(world: World) -> None:
    answer = await world.http.get(BOARD, headers={"X-Forwarded-For": "198.51.100.1"})
    assert world.limits.hits == [("guest_reads", "198.51.100.1", 600, 60)]
    assert answer.headers["ratelimit-policy"] == '"guest_reads";q=600;w=60'
    assert answer.headers["ratelimit"] == '"guest_reads";r=599;t=17'


async def test_an_ipv6_customer_is_one_however_many_addresses_they_have(world: World) -> None:
    for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::2"):
        await world.http.get(BOARD, headers={"X-Forwarded-For": address})
    assert len({key for _, key, _, _ in world.limits.hits}) == 1


async def test_a_route_may_have_a_limit_of_its_own(world: World) -> None:
    await world.http.post("/api/v1/board")
    assert world.limits.hits == [("sign_ins", "10.0.0.7", 10, 60)]


async def test_staff_are_limited_by_credential(world: World) -> None:
    await world.http.get("/api/v1/notes", headers=world.staff())
    assert world.limits.hits == [("staff", "ses_1", 1200, 60)]


async def test_who_guesses_tokens_is_limited_by_address(world: World) -> None:
    await world.http.get("/api/v1/notes", headers={"Authorization": "Bearer x"})
    assert world.limits.hits == [("guest_writes", "10.0.0.7", 60, 60)]


@pytest.mark.parametrize("path", [BOARD, "/api/v1/notes"])
async def test_who_sends_too_much_gets_429_with_the_time_to_wait(world: World, path: str) -> None:
    world.limits.allowed = False
    answer: httpx.Response = await world.http.get(path, headers=world.staff())
    problem(answer, 429, "rate_limited")
    assert answer.headers["retry-after"] == "17"
    assert ";r=0;t=17" in answer.headers["ratelimit"]


async def test_a_route_for_both_limits_guests_by_address_and_staff_by_credential(world: World) -> None:
    guest = await world.http.get("/api/v1/board/who")
    await world.http.get("/api/v1/board/who", headers=world.staff())
    assert world.limits.hits == [("guest_reads", "10.0.0.7", 600, 60), ("staff", "ses_1", 1200, 60)]
    assert guest.headers["access-control-allow-origin"] == "*"
