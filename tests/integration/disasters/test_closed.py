"""A closed service does nothing, and goes on where it was when it is open again."""

import pytest

from services.booking.domain.bookings import Booking
from tests.integration.disasters.conftest import Site
from tests.support.system import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_closed_service_answers_503_consumes_nothing_and_goes_on_when_it_is_open(site: Site) -> None:
    team = await site.team()
    await team.book(2)
    await site.at_rest()
    await site.close("availability")
    before = site.documents("availability")

    slots = await site.api.send(
        "GET", "/slots", params={"calendar": f"{team.at.slug}/ada", "start": "2027-03-02", "end": "2027-03-02"}
    )
    assert (slots.status_code, slots.json()["code"], slots.headers["Retry-After"]) == (503, "closed", "30")
    assert not site.system.process.opened()["ok"]
    start = team.starts["ada"].pop(0)
    waiting = await site.api.send(
        "POST",
        "/bookings",
        {
            "calendar": f"{team.at.slug}/ada",
            "start": start,
            "tz": "UTC",
            "guest": {"name": "Zoe", "email": "zoe@example.org"},
        },
        {"Prefer": "respond-async"},
    )
    assert waiting.status_code == 202, waiting.text

    consumer = site.system.process.hosts["availability"].consumer
    assert consumer is not None

    async def heard() -> bool:
        """The request has come, and waits."""
        return bool(consumer.busy and consumer.health()["paused"])

    await eventually(heard, 60)
    assert site.documents("availability") == before

    await site.mended()
    assert site.system.process.opened()["ok"]
    await team.book(2)
    await site.at_rest()
    decided = next(one for one in await site.all("booking", Booking) if one.id == waiting.json()["id"])
    assert decided.status in ("confirmed", "expired")
    assert await site.audited() == []


async def test_what_happens_while_notify_is_closed_is_told_once_it_is_open_and_what_it_may_have_told_is_not(
    site: Site,
) -> None:
    team = await site.team()
    before = await site.back_up("notify")
    told = await team.book(2)
    await site.at_rest()
    sent = site.sent()
    await site.restore(before)
    news = await team.book(2, "ada")
    await team.move(told[0])

    await site.mended()
    await site.at_rest()

    new = site.sent() - sent
    guests = sorted(to for to, _ in new if "guest" in to.lower())
    assert len(guests) == 3
    assert set(site.sent().values()) == {1}
    subjects = [str(mail["Subject"]) for mail in site.inbox.mails[-len(new) :]]
    assert len(subjects) == 2 * len(news) + 2, subjects
