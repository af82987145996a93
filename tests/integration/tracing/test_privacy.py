"""Who the guest is stands in one topic and in no log, whatever guests and staff do and however it ends."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.tracing.conftest import Office, logs
from tests.support.cluster import Cluster
from turnus_contracts import GuestDetailsGiven
from turnus_runtime.kafka import KafkaBroker
from turnus_runtime.kafka.reading import KafkaReader
from turnus_runtime.ports import Message

GUEST = {"name": "Zephyrine Quackenbush", "email": "zephyrine@quackenbush.example.net", "phone": "+49 30 5550123"}
FRIEND = {"name": "Ottokar Wunderlich", "email": "ottokar@wunderlich.example.net"}
WORDS = ("Zephyrine", "quackenbush", "5550123", "Ottokar", "wunderlich", "Wombatfieber", "Drachenflug")
"""Parts of what the guest said of themselves and of friends, the reason and the answer they gave."""
ADDRESS = re.compile(r"[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}", re.IGNORECASE)
TOKEN = re.compile(r"(?:bkt|ivt|prt)_[\w.-]{8,}|eyJ[\w-]{10,}\.[\w-]+|tk_[\w-]{16,}")


async def life(cluster: Cluster, office: Office) -> list[str]:
    """Books, moves, cancels, and does it wrongly too; the tokens that were given out."""
    day = (datetime.now(UTC) + timedelta(days=3)).replace(hour=9, minute=0, second=0, microsecond=0)
    now = {"Prefer": "wait=30"}

    def body(at: datetime, **more: Any) -> dict[str, Any]:
        asked = {"calendar": office.calendar, "start": at.isoformat(), "tz": "Europe/Berlin", "guest": GUEST}
        return {**asked, "additional_guests": [FRIEND], "answers": {"why": "Drachenflug"}, **more}

    booked = await cluster.call("POST", "/bookings", body(day), {**now, "Idempotency-Key": "Zephyrine-quackenbush-1"})
    own = {"Authorization": f"Bearer {booked['token']}", **now}
    place = f"/bookings/{booked['id']}"
    moved = await cluster.call("POST", f"{place}/reschedule", {"start": (day + timedelta(hours=3)).isoformat()}, own)
    assert moved["revision"] == 1
    kept = await cluster.call("POST", "/bookings", body(day + timedelta(days=1)), now)
    await cluster.call("POST", f"{place}/cancel", {"reason": "Wombatfieber"}, own)
    wrong = [
        ("POST", "/bookings", body(day, guest={**GUEST, "email": "zephyrine@quackenbush"}), {}),
        ("POST", "/bookings", body(day, calendar="Zephyrine/quackenbush"), {}),
        ("POST", "/bookings", body(day - timedelta(days=30)), now),
        ("GET", f"{place}?email={GUEST['email']}&token={booked['token']}", None, {}),
        ("GET", f"/bookings/{booked['token']}", None, own),
        ("GET", place, None, {"Authorization": f"Bearer {kept['token']}"}),
        ("GET", place, None, {"Authorization": f"Bearer {booked['token']}x"}),
        ("POST", "/sessions", {"workspace": "office", "email": GUEST["email"], "password": "Wombatfieber 12"}, {}),
    ]
    for method, path, sent, headers in wrong:
        assert (await cluster.send(method, path, sent, headers)).status_code >= 400
    await cluster.call("GET", place, None, own)
    await cluster.call("GET", f"/bookings?calendar_id={office.calendar}", None, office.staff)
    found = await cluster.call("GET", f"/bookings?q=Zephyrine%20{GUEST['email']}", None, office.staff)
    assert {booked["id"], kept["id"]} < {one["id"] for one in found["items"]}  # and what was refused
    too_long = f"/bookings?q={'Zephyrine' * 20}"
    assert (await cluster.send("GET", too_long, None, office.staff)).status_code == 422
    return [booked["token"], kept["token"], office.staff["Authorization"].removeprefix("Bearer ")]


async def test_no_log_holds_an_address_or_a_token_and_one_topic_alone_holds_the_guest(
    cluster: Cluster, office: Office, fresh_broker: str
) -> None:
    tokens = await life(cluster, office)
    await cluster.at_rest()
    mails = await cluster.call("GET", "/notifications", None, office.staff)
    assert len(mails["items"]) >= 5  # the mails were really sent

    # What cannot be read is buried without its payload, and said without it.
    broker = KafkaBroker(fresh_broker, client_id="test", idempotent=False, fetch_max_wait_ms=10)
    poison = f'{{"guest": {{"name": "Zephyrine", "email": "{GUEST["email"]}"}}}}'.encode()
    await broker.publish([Message(GuestDetailsGiven.topic(), "bk_poison", poison)])
    await broker.stop()
    reader = KafkaReader(fresh_broker, client_id="test", fetch_max_wait_ms=10)
    topics = list(await reader._topics.ids())
    letters: list[Message] = []
    while not letters:
        letters = await reader.all_of(["notify.dlq"])

    told = await reader.all_of(topics)
    holding = {
        message.topic
        for message in told
        for word in WORDS
        if word.lower().encode() in repr((message.key, message.headers, message.value)).lower().encode()
    }
    assert holding == {GuestDetailsGiven.topic()}
    assert {message.topic for message in told if b"bkt_" in (message.value or b"")} == {GuestDetailsGiven.topic()}

    for text in logs(cluster):
        assert len(text.splitlines()) > 10
        assert ADDRESS.findall(text) == []
        assert TOKEN.findall(text) == []
        assert [word for word in (*WORDS, *tokens) if word.lower() in text.lower()] == []
