"""A small service of the tests' own: things are sold, and each thing has a stock that it can say again."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar

from turnus_contracts import Event
from turnus_runtime.records import Decision, Record, state, timer
from turnus_runtime.service import Says, Service
from turnus_runtime.turn import Turn


class ThingSold(Event):
    """One piece went away."""

    keyed_by: ClassVar[str] = "thing_id"
    identity: ClassVar[tuple[str, ...]] = ("thing_id", "number")

    thing_id: str
    number: int


class StockKept(Event):
    """How many pieces of a thing there are."""

    kind: ClassVar = "state"
    keyed_by: ClassVar[str] = "thing_id"
    identity: ClassVar[tuple[str, ...]] = ("thing_id", "version")

    thing_id: str
    version: int
    pieces: int


class BuyerNamed(Event):
    """Who bought."""

    kind: ClassVar = "state"
    keyed_by: ClassVar[str] = "thing_id"
    identity: ClassVar[tuple[str, ...]] = ("thing_id",)
    personal: ClassVar[bool] = True

    thing_id: str
    name: str


class Thing(Record):
    collection: ClassVar[str] = "things"
    indexes: ClassVar[tuple[str, ...]] = ("shelf",)

    pieces: int = 0
    version: int = 0
    shelf: int = 0

    def keys(self) -> Mapping[str, str | int | None]:
        return {"shelf": self.shelf}


def stock_now(thing: Thing, now: datetime) -> Sequence[Event]:
    return [StockKept(thing_id=thing.id, version=thing.version, pieces=thing.pieces)]


def sold(event: ThingSold, thing: Thing | None) -> Decision[Thing, None]:
    thing = thing or Thing(id=event.thing_id)
    if event.number == 13:
        raise ValueError("nobody sells thirteen")
    changed = thing.change(pieces=thing.pieces - event.number, version=thing.version + 1)
    return Decision(None, changed, owes=[state(StockKept)])


async def note_sale(event: ThingSold, on: Turn) -> None:
    await on.records(Thing).decide(event.thing_id, partial(sold, event))


async def greet_buyer(event: BuyerNamed, on: Turn) -> None:
    raise ValueError(f"cannot greet {event.name}")


def keep(id: str, shelf: int, due: datetime | None, current: Thing | None) -> Decision[Thing, None]:
    owes = [timer("restock", due)] if due else []
    return Decision(None, Thing(id=id, shelf=shelf, version=1), owes=owes)


async def restock(record_id: str, entry: object, on: Turn) -> None:
    raise AssertionError("no process of these tests runs timers")


service = Service(
    name="shop",
    summary="Sells things",
    records=(Thing,),
    consumes={ThingSold: note_sale, BuyerNamed: greet_buyer},
    publishes=(ThingSold, StockKept, BuyerNamed),
    says=(Says(Thing, stock_now),),
    timers={"restock": restock},
)
