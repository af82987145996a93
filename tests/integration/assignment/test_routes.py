"""What staff can read about whose turn it is, over HTTP and the real store."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.assignment.domain.rotation import Rotation, apply_calendar
from services.assignment.handlers import choose_assignee, follow_settlement, release_attempt
from tests.integration.assignment.conftest import Assignment
from tests.unit.assignment.examples import attempt_released, published, reserved, settled
from turnus_contracts import SigningKeyChanged
from turnus_runtime.credentials import learn_signing_key, public_key_text, sign_token
from turnus_runtime.host import Host
from turnus_runtime.http import app_of

TEAM = {"mem_a": 1, "mem_b": 1, "mem_c": 1}


@dataclass
class Staff:
    """A client of the service's own routes, and its signing key."""

    host: Host
    client: httpx.AsyncClient
    private: Ed25519PrivateKey

    async def get(
        self, path: str, *, workspace: str = "ws_a", scopes: Sequence[str] = ("calendars:view",), **query: str | int
    ) -> httpx.Response:
        """As a member of `workspace`."""
        token = sign_token(
            self.private,
            "kid_a",
            credential_id="ses_a",
            member_id="mem_a",
            workspace_id=workspace,
            role="admin",
            scopes=scopes,
            issued_at=self.host.turn().now,
            expires_at=None,
        )
        headers = {"Authorization": f"Bearer {token}"}
        return await self.client.get(f"/api/v1/rotations/{path}", headers=headers, params=query)


@pytest.fixture
async def staff(assignment: Assignment) -> AsyncIterator[Staff]:
    """A team calendar with seven bookings: another serves the first, the second was given up."""
    host = await assignment.new_host()
    private = Ed25519PrivateKey.generate()
    key = SigningKeyChanged(
        key_id="kid_a",
        version=1,
        status="active",
        algorithm="EdDSA",
        public_key=public_key_text(private.public_key()),
    )
    await learn_signing_key(key, host.turn())
    await host.records.decide(Rotation, "cal_a", partial(apply_calendar, published(TEAM, version=4)))
    for n in range(7):
        await choose_assignee(reserved(list(TEAM), booking=f"bk_{n}"), host.turn())
    await follow_settlement(settled("mem_c", booking="bk_0"), host.turn())
    await release_attempt(attempt_released(booking="bk_1"), host.turn())
    app = app_of(host.service, host.turn, settings=host.settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://turnus.test") as client:
        yield Staff(host, client, private)


async def test_the_rotation_shows_members_with_weights_credits_and_counts(staff: Staff) -> None:
    answer = await staff.get("cal_a")
    assert answer.status_code == 200
    shown = answer.json()
    assert answer.headers["ETag"] == f'"{shown["version"]}"'
    assert (shown["calendar_id"], shown["calendar_version"], shown["optimize"]) == ("cal_a", 4, "equal")
    assert [(each["member_id"], each["weight"], each["served"]) for each in shown["members"]] == [
        ("mem_a", 1, {"2027-01": 2}),
        ("mem_b", 1, {"2027-01": 1}),
        ("mem_c", 1, {"2027-01": 3}),
    ]
    assert abs(sum(each["credit"] for each in shown["members"])) < 1e-8
    assert shown["members"][2]["credit"] == -1.0


async def test_every_choice_is_listed_newest_first_page_by_page(staff: Staff) -> None:
    seen: list[str] = []
    after: dict[str, str] = {}
    for _ in range(3):
        page = (await staff.get("cal_a/choices", limit=3, **after)).json()
        seen += [each["booking_id"] for each in page["items"]]
        after = {"after": page["next"]}
    assert seen == [f"bk_{n}" for n in (6, 5, 4, 3, 2, 1, 0)]
    assert page["next"] is None


async def test_a_choice_shows_its_candidates_its_reason_and_what_became_of_it(staff: Staff) -> None:
    items = (await staff.get("cal_a/choices")).json()["items"]
    first, second = items[-1], items[-2]
    assert (first["rule"], first["host_id"], first["charged_id"], first["returned"]) == (
        "equal",
        "mem_a",
        "mem_c",
        False,
    )
    assert (second["host_id"], second["charged_id"], second["returned"]) == ("mem_b", None, True)
    assert second["candidates"][0] == {"member_id": "mem_a", "credit": -0.666666667, "gained": 0.333333333}


@pytest.mark.parametrize("path", ["cal_a", "cal_a/choices"])
async def test_a_foreign_rotation_is_as_absent_as_one_that_does_not_exist(staff: Staff, path: str) -> None:
    foreign = await staff.get(path, workspace="ws_b")
    absent = await staff.get(path.replace("cal_a", "cal_x"))
    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert foreign.json()["code"] == absent.json()["code"]


async def test_a_personal_calendar_has_no_rotation(staff: Staff) -> None:
    event = published(TEAM, calendar_kind="personal").model_copy(update={"calendar_id": "cal_p"})
    await staff.host.records.decide(Rotation, "cal_p", partial(apply_calendar, event))
    assert (await staff.get("cal_p")).status_code == 404


@pytest.mark.parametrize("path", ["cal_a", "cal_a/choices"])
async def test_a_credential_with_the_permission_is_needed(staff: Staff, path: str) -> None:
    assert (await staff.client.get(f"/api/v1/rotations/{path}")).status_code == 401
    assert (await staff.get(path, scopes=["bookings:view"])).status_code == 403


@pytest.mark.parametrize("after", ["x", "MA", "LTE", "OTk5OTk5OTk5OTk5OTk5"], ids=["none", "0", "-1", "too large"])
async def test_a_cursor_that_nobody_made_is_refused(staff: Staff, after: str) -> None:
    answer = await staff.get("cal_a/choices", after=after)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "after"
