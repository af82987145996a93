"""How much work a service has left, counted in its store: figures only, nothing of anybody."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from turnus_runtime.ports import Stored
from turnus_runtime.records import Projection, millis
from turnus_runtime.sweeper import BACKOFF_LIMIT_MS, lease_ms

if TYPE_CHECKING:
    from turnus_runtime.host import Host

COUNTED = 1_000
"""Owed records of one collection are counted up to here."""


@dataclass(frozen=True, slots=True)
class Retried:
    """Jobs of one name that were taken more than once and are still owed; `tries` is the most of one of them."""

    job: str
    count: int
    tries: int


@dataclass(frozen=True, slots=True)
class OwedWork:
    """What is owed. `records` have something due, at most `COUNTED` of a collection.

    `under_way` counts jobs that a process has taken and not reported on yet, or tries again within the time a claim
    holds.
    """

    records: int
    oldest_seconds: float
    under_way: int
    retried: Sequence[Retried] = ()


async def owed_now(host: "Host") -> OwedWork:
    """What the records of this service owe; their collections must be prepared."""
    store, now = host.ports.store, millis(host.ports.clock.now())
    jobs = host.service.jobs
    claimed = now + max((lease_ms(job) for job in jobs.values()), default=0)
    count, oldest, under_way = 0, now, 0
    waiting: list[Mapping[str, Any]] = []
    for kind in host.service.records:
        if issubclass(kind, Projection):
            continue
        due = await store.find(kind.collection, "next_due", 0, now + 1, limit=COUNTED)
        # What is tried again waits for an hour at most.
        soon = claimed + BACKOFF_LIMIT_MS
        later = await store.find(kind.collection, "next_due", now + 1, soon, limit=COUNTED) if jobs else []
        count += len(due)
        oldest = min([oldest, *(document.next_due or now for document in due)])
        taken = [entry for entry in _entries([*due, *later]) if entry["kind"] == "job" and "tries" in entry]
        under_way += sum(now < entry["due"] <= claimed for entry in taken)
        waiting += [entry for entry in taken if entry["tries"] > 1]
    return OwedWork(count, (now - oldest) / 1000, under_way, _by_name(waiting))


def _entries(documents: Sequence[Stored]) -> Iterable[Mapping[str, Any]]:
    return (entry for document in documents for entry in document.owed)


def _by_name(entries: Sequence[Mapping[str, Any]]) -> list[Retried]:
    tries: dict[str, list[int]] = {}
    for entry in entries:
        tries.setdefault(str(entry["name"]), []).append(int(entry["tries"]))
    return [Retried(name, len(counts), max(counts)) for name, counts in sorted(tries.items())]
