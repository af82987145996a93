"""A backup is whole or refused, and a restore that was broken off is closed and can be run again."""

import json
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.runtime.shop import Thing, service
from tests.support.stack import Names
from turnus_runtime import backups, closing
from turnus_runtime.backups import Backup
from turnus_runtime.clock import StoreClock
from turnus_runtime.embedded import Endpoints
from turnus_runtime.forms import loaded, stored_form
from turnus_runtime.installation import OperationError
from turnus_runtime.mongo import MongoStore
from turnus_runtime.ports import Stored, StoreUnavailable
from turnus_runtime.records import timer

MANY = 450
"""more than are walked at once"""


@dataclass
class Shop:
    store: MongoStore
    beside: MongoStore
    clock: StoreClock
    path: Path

    async def put(self, *things: Thing) -> None:
        for thing in things:
            known = await self.store.get("things", thing.id)
            if known is None:
                assert await self.store.insert("things", stored_form(thing, 1))
            else:
                assert await self.store.replace("things", stored_form(thing, known.version + 1), known.version)

    async def things(self) -> dict[str, Thing]:
        found = await self.store.find("things", "self", "", "\U0010ffff", limit=5000)
        return {one.id: loaded(Thing, one) for one in found}

    async def back_up(self) -> Backup:
        return await backups.back_up(service, self.store, self.clock, self.path)

    async def restore(self, store: MongoStore | None = None) -> None:
        found = backups.verified(service, self.path)
        await backups.restore(service, store or self.store, self.beside, self.clock, found)


@pytest.fixture
async def shop(embedded_servers: Endpoints, names: Names, tmp_path: Path) -> AsyncIterator[Shop]:
    store, beside = [MongoStore(embedded_servers.mongo_url, names.database(name)) for name in ("shop", "runtime")]
    clock = StoreClock(beside)
    await clock.open()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(closing, "TAKES_EFFECT", timedelta())  # nobody is at work here
        await store.prepare({"things": ["shelf", "self"]})
        yield Shop(store, beside, clock, tmp_path / "shop.backup")
    await store.close()
    await beside.close()


def things(number: int) -> list[Thing]:
    return [Thing(id=f"thing{n:04}", pieces=n, shelf=n % 7) for n in range(number)]


async def test_what_is_restored_is_what_was_backed_up_with_what_it_owed(shop: Shop) -> None:
    kept = things(MANY)
    kept[3] = kept[3].change(owed=(timer("restock", shop.clock.now(), data={"$ref": "ä"}),))
    await shop.put(*kept)
    written = await shop.back_up()
    assert (written.service, written.counts) == ("shop", {"things": MANY})
    await shop.put(kept[0].change(pieces=99), Thing(id="later"))
    await shop.restore()
    assert await shop.things() == {thing.id: thing for thing in kept}
    assert len(await shop.store.find("things", "shelf", 3, 4, limit=500)) == sum(n % 7 == 3 for n in range(MANY))
    assert [one.id for one in await shop.store.find("things", "next_due", 0, 1 << 60, limit=5)] == ["thing0003"]


async def test_nobody_who_read_before_can_write_over_what_was_restored(shop: Shop) -> None:
    await shop.put(Thing(id="a", pieces=1))
    await shop.back_up()
    await shop.put(Thing(id="a", pieces=2))
    asleep = await shop.store.get("things", "a")
    assert asleep is not None
    await shop.restore()
    for _ in range(3):
        await shop.put(Thing(id="a", pieces=3))
        assert not await shop.store.replace("things", replace(asleep, version=asleep.version + 1), asleep.version)
    assert (await shop.things())["a"].pieces == 3


async def test_a_backup_is_for_its_owner_only_and_leaves_nothing_else_behind(shop: Shop) -> None:
    await shop.put(*things(3))
    await shop.back_up()
    assert stat.S_IMODE(shop.path.stat().st_mode) == 0o600
    assert [path.name for path in shop.path.parent.iterdir()] == ["shop.backup"]


class Ailing(MongoStore):
    """A store that is away after a while."""

    left = 5

    async def insert(self, collection: str, document: Stored) -> bool:
        self.left -= 1
        if not self.left:
            raise StoreUnavailable("away")
        return await super().insert(collection, document)


async def test_a_backup_that_fails_leaves_the_one_before(shop: Shop) -> None:
    await shop.put(*things(3))
    await shop.back_up()
    before = shop.path.read_bytes()
    await shop.store.close()
    with pytest.raises(StoreUnavailable):
        await shop.back_up()
    assert shop.path.read_bytes() == before
    assert [path.name for path in shop.path.parent.iterdir()] == ["shop.backup"]


async def test_a_restore_that_was_broken_off_leaves_the_service_closed_and_can_be_run_again(
    shop: Shop, embedded_servers: Endpoints, names: Names
) -> None:
    await shop.put(*things(9))
    await shop.back_up()
    ailing = Ailing(embedded_servers.mongo_url, names.database("shop"))
    with pytest.raises(StoreUnavailable):
        await shop.restore(ailing)
    await ailing.close()
    closure = await closing.closure_of(shop.beside, "shop")
    assert closure is not None
    assert closure.closed
    assert len(await shop.things()) == 4
    await shop.restore()
    assert await shop.things() == {thing.id: thing for thing in things(9)}
    again = await closing.closure_of(shop.beside, "shop")
    assert again is not None
    assert (again.closed, again.since) == (True, closure.since)


def told(line: bytes, **changed: object) -> bytes:
    return json.dumps({**json.loads(line), **changed}).encode() + b"\n"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda lines: lines[:-1], "is not whole"),
        (lambda lines: [*lines[:2], *lines[3:]], "is not whole"),
        (lambda lines: [*lines[:2], lines[2][:-9]], "is not whole"),
        (lambda lines: [*lines[:1], lines[1].replace(b'"pieces":0', b'"pieces":7'), *lines[2:]], "is not whole"),
        (lambda lines: [*lines, lines[1]], "goes on after its end"),
        (lambda lines: [told(lines[0], turnus_backup=2), *lines[1:]], "newer version: backup format 2"),
        (lambda lines: [lines[0], told(lines[1], f=9), *lines[2:]], "newer version: things in format 9"),
        (lambda lines: [b"\x89PNG\n", *lines], "is no backup"),
        (lambda lines: [b"{}\n", *lines], "is no backup"),
    ],
    ids=["no_end", "a_line_less", "cut", "changed", "more", "newer_file", "newer_record", "picture", "json"],
)
async def test_a_damaged_or_newer_file_is_refused_before_anything_is_touched(damage, says: str, shop: Shop) -> None:
    await shop.put(*things(4))
    await shop.back_up()
    shop.path.write_bytes(b"".join(damage(shop.path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(OperationError, match=says):
        await shop.restore()
    assert await closing.closure_of(shop.beside, "shop") is None
    assert len(await shop.things()) == 4


async def test_a_file_of_another_service_is_refused(shop: Shop) -> None:
    await shop.back_up()
    with pytest.raises(OperationError, match="is a backup of shop, not of market"):
        backups.verified(replace(service, name="market"), shop.path)
    with pytest.raises(OperationError, match="web keeps nothing"):
        backups.verified(replace(service, name="web", records=()), shop.path)
