"""What staff book and move over the public API: as whom, for whom, and what they overbook and why."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from services.booking.domain.bookings import Attempt, Booking
from tests.integration.api.conftest import Api, Office, office
from tests.integration.api.test_offers import at
from tests.support.system import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
REASON = "The guest comes from afar"


@dataclass(frozen=True)
class Team:
    """Two hosts from 9 to 12, whom guests cannot choose between, and who is signed in."""

    here: Office
    me: str
    ada: str
    bob: str
    calendar: dict[str, Any]

    def over(self, **more: Any) -> dict[str, Any]:
        return {"host_id": self.ada, "overbook": True, "reason": REASON, **more}

    async def book(self, headers: dict[str, str] | None = None, /, **more: Any) -> httpx.Response:
        body = {
            "calendar": self.calendar["address"],
            "start": at("09:00")[0],
            "tz": "Europe/Berlin",
            "guest": {"name": "Grace", "email": "grace@example.org"},
            **more,
        }
        return await self.here.api.send("POST", "/bookings", body, {"Prefer": "wait=30", **(headers or {})})

    async def move(self, booking_id: str, headers: dict[str, str], /, **more: Any) -> httpx.Response:
        body = {"start": at("11:00")[0], **more}
        path = f"/bookings/{booking_id}/reschedule"
        return await self.here.api.send("POST", path, body, {"Prefer": "wait=30", **headers})

    async def history(self, booking_id: str) -> list[tuple[str, str, str]]:
        told = await self.here.api.call("GET", f"/bookings/{booking_id}/history", None, self.here.staff)
        return [(one["what"], one["by"], one["detail"]) for one in told["items"]]

    async def latest(self, booking_id: str) -> Attempt:
        booking = await self.here.api.system.process.hosts["booking"].records.get(Booking, booking_id)
        assert booking is not None
        return booking.latest

    async def audited(self, booking_id: str, lines: int) -> list[dict[str, Any]]:
        """The lines of the audit log about this booking, once there are so many."""
        found: list[dict[str, Any]] = []

        async def told() -> bool:
            path = f"/audit-log?thing_id={booking_id}"
            found[:] = (await self.here.api.call("GET", path, None, self.here.staff))["items"]
            return len(found) == lines

        await eventually(told)
        await self.here.api.system.quiet()
        await eventually(told)
        return found

    async def key(self, role: str, scopes: list[str], **permissions: Any) -> dict[str, str]:
        """An API key of somebody new."""
        body = {"name": role, "email": f"{len(scopes)}{role}@{self.here.slug}.example.org", "role": role}
        member = await self.here.made("/members", body | ({"permissions": permissions} if permissions else {}))
        return await self.key_of(member["id"], scopes)

    async def key_of(self, member_id: str, scopes: list[str]) -> dict[str, str]:
        made = await self.here.made("/api-keys", {"name": "key", "member_id": member_id, "scopes": scopes})
        headers = {"Authorization": f"Bearer {made['key']}"}

        async def taken() -> bool:
            return (await self.here.api.send("GET", "/bookings", None, headers)).status_code not in (401, 503)

        await eventually(taken)
        return headers


async def team(api: Api, **settings: Any) -> Team:
    here = await office(api, "staff")
    ada, bob = await here.host("Ada"), await here.host("Bob")
    calendar = await here.calendar("team", [ada, bob], duration_minutes=60, **settings)
    me = (await api.call("GET", "/sessions/current", None, here.staff))["member_id"]
    return Team(here, str(me), ada, bob, calendar)


def refusal(answer: httpx.Response) -> tuple[int, str, list[str]]:
    told = answer.json()
    return answer.status_code, told["code"], [one["field"] for one in told.get("errors") or ()]


async def test_who_manages_bookings_books_as_staff_and_everybody_else_as_a_guest(api: Api) -> None:
    own, other = await team(api), await team(api)
    booked = (await own.book(own.here.staff)).json()
    assert (await own.latest(booked["id"])).by == "staff"
    assert (await own.history(booked["id"]))[:2] == [("requested", own.me, ""), ("confirmed", "staff", "")]
    looking = await own.key("member", ["bookings:view"])
    for n, headers in enumerate(({}, looking, other.here.staff), 1):
        answer = await own.book(headers, start=at(f"1{n % 2}:00")[0], guest={"name": "G", "email": f"g{n}@example.org"})
        assert answer.status_code == 201, answer.text
        assert (await own.latest(answer.json()["id"])).by == "guest"
        assert (await own.history(answer.json()["id"]))[0] == ("requested", "guest", "")
    assert refusal(await own.book({"Authorization": "Bearer x"})) == (401, "credential_invalid", [])


async def test_staff_choose_the_host_where_guests_may_not(api: Api) -> None:
    own = await team(api)
    assert refusal(await own.book(host_id=own.bob)) == (422, "host_not_choosable", ["host_id"])
    assert refusal(await own.book(own.here.staff, host_id=own.me)) == (422, "host_not_choosable", ["host_id"])
    booked = await own.book(own.here.staff, host_id=own.bob)
    assert (booked.status_code, booked.json()["host"]["id"]) == (201, own.bob)


async def test_staff_overbook_for_a_reason_and_it_is_in_the_history_and_the_audit_log(api: Api) -> None:
    own = await team(api)
    headers = {**own.here.staff, "Idempotency-Key": "over"}
    first = await own.book(headers, **own.over())
    assert (first.status_code, first.json()["host"]["id"]) == (201, own.ada), first.text
    again = await own.book(headers, **own.over())
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert again.headers["Idempotency-Replayed"] == "true"
    assert refusal(await own.book(headers, **own.over(reason="Another one")))[1] == "idempotency_key_reused"
    booking_id = first.json()["id"]
    assert await own.history(booking_id) == [
        ("requested", own.me, ""),
        ("confirmed", "staff", ""),
        ("overbooked", own.me, REASON),
    ]
    (line,) = await own.audited(booking_id, 1)
    assert (line["action"], line["thing"], line["actor_id"], line["fields"]) == ("overbooked", "booking", own.me, [])
    moved = await own.move(booking_id, own.here.staff, **own.over(host_id=own.bob, reason="She is ill"))
    assert (moved.status_code, moved.json()["host"]["id"]) == (200, own.bob), moved.text
    assert (await own.history(booking_id))[-1] == ("overbooked", own.me, "She is ill")
    assert [one["action"] for one in await own.audited(booking_id, 2)] == ["overbooked"] * 2


async def test_what_staff_book_and_move_without_overbooking_is_no_line_in_the_audit_log(api: Api) -> None:
    own = await team(api)
    booked = (await own.book(own.here.staff, reason="On the phone")).json()
    moved = await own.move(booked["id"], own.here.staff, reason="She is late")
    assert moved.status_code == 200, moved.text
    assert (await own.latest(booked["id"])).by == "staff"
    told = [(what, detail) for what, _, detail in await own.history(booked["id"])]
    assert told == [
        ("requested", "On the phone"),
        ("confirmed", ""),
        ("move_requested", "She is late"),
        ("moved", ""),
    ]
    assert await own.audited(booked["id"], 0) == []


@pytest.mark.parametrize(
    ("missing", "field"),
    [
        ({"host_id": None}, "host_id"),
        ({"reason": None}, "reason"),
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"overbook": "yes"}, "overbook"),
    ],
)
async def test_an_overbooking_needs_a_host_and_a_reason(api: Api, missing: dict[str, Any], field: str) -> None:
    own = await team(api)
    booked = (await own.book()).json()
    wrong = own.over(**missing)
    for answer in (await own.book(own.here.staff, **wrong), await own.move(booked["id"], own.here.staff, **wrong)):
        assert refusal(answer) == (422, "validation_failed", [field])


async def test_nobody_overbooks_but_staff_who_manage_bookings(api: Api) -> None:
    own, other = await team(api), await team(api)
    looking = await own.key("member", ["bookings:view"])
    for headers in ({}, looking, other.here.staff):
        assert refusal(await own.book(headers, **own.over())) == (403, "forbidden", [])
    booked = (await own.book()).json()
    guest = {"Authorization": f"Bearer {booked['token']}"}
    for headers in (guest, looking):
        assert refusal(await own.move(booked["id"], headers, **own.over())) == (403, "forbidden", [])
    assert refusal(await own.move(booked["id"], other.here.staff, **own.over()))[0] == 404
    assert [one[0] for one in await own.history(booked["id"])] == ["requested", "confirmed"]
    stranger = own.over(host_id=other.ada)
    tries = [await own.book(own.here.staff, **stranger), await own.move(booked["id"], own.here.staff, **stranger)]
    assert [refusal(answer) for answer in tries] == [(422, "host_not_choosable", ["host_id"])] * 2


async def test_who_is_restricted_overbooks_only_themselves_and_where_they_serve(api: Api) -> None:
    own = await team(api)
    alone = await own.here.calendar("bobs", [own.bob], duration_minutes=60)
    restricted = {"bookings": "manage", "assigned_only": True}
    await api.call("PATCH", f"/members/{own.ada}", {"permissions": restricted}, own.here.staff)
    ada = await own.key_of(own.ada, ["bookings:view", "bookings:manage"])
    elsewhere = {"calendar": alone["address"]}
    assert refusal(await own.book(ada, **own.over(**elsewhere))) == (422, "assigned_only", ["calendar"])
    assert refusal(await own.book(ada, **own.over(host_id=own.bob))) == (422, "assigned_only", ["host_id"])
    assert refusal(await own.book(ada, host_id=own.bob)) == (422, "host_not_choosable", ["host_id"])
    as_guest = await own.book(ada, start=at("11:00")[0], **elsewhere)
    assert (await own.latest(as_guest.json()["id"])).by == "guest"
    booked = await own.book(ada, **own.over())
    assert (booked.status_code, booked.json()["host"]["id"]) == (201, own.ada), booked.text
    over_bob = own.over(host_id=own.bob)
    assert refusal(await own.move(booked.json()["id"], ada, **over_bob)) == (422, "assigned_only", ["host_id"])
    moved = await own.move(booked.json()["id"], ada, **own.over())
    assert moved.status_code == 200, moved.text
    assert [one["actor_id"] for one in await own.audited(booked.json()["id"], 2)] == [own.ada] * 2
