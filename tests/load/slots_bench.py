"""CPU milliseconds for one slot list of 60 days: 30 minutes every 15, buffers 10 + 10, 120 busy stretches a host.

    python -m tests.load.slots_bench [rounds]

Hosts are the ten of the peer case, repeated. `rows`: schedules and busy rows (aware instants) to ISO strings by day;
`minutes`: busy kept as epoch minutes; `booking`: who of all hosts is free at one start. The best of some rounds.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

from services.availability.domain.engine import HostTimes, SlotRules, free_hosts, offered_starts
from services.availability.domain.listing import to_iso
from services.availability.domain.zones import epoch_minute, instant_of
from tests.unit.availability.cases import peer_case

Rows = list[tuple[datetime, datetime]]
TEAMS = (1, 10, 50, 100)


def from_rows(rules: SlotRules, team: list[HostTimes], rows: list[Rows], first: date, last: date, now: datetime) -> int:
    hosts = [
        replace(host, busy=[(epoch_minute(start), epoch_minute(end), "external") for start, end in own])
        for host, own in zip(team, rows, strict=True)
    ]
    return len(to_iso(offered_starts(rules, hosts, first, last, now), rules.tz))


def best_ms(work: Callable[[], object], rounds: int) -> float:
    taken: list[float] = []
    for _ in range(rounds):
        before = time.process_time()
        work()
        taken.append(time.process_time() - before)
    return min(taken) * 1000


def main(rounds: int) -> None:
    rules, ten, first, last, expected = peer_case("rr10")
    now = instant_of(expected[0]) - timedelta(days=1)
    head = f"{'hosts':>6} {'first':>8} {'rows':>8} {'minutes':>8} {'booking':>8}   CPU ms, best of {rounds}\n"
    sys.stdout.write(head)
    for size in TEAMS:
        team = [replace(ten[i % 10], host_id=f"mem_{i}") for i in range(size)]
        rows = [[(instant_of(start), instant_of(end)) for start, end, _ in host.busy] for host in team]

        def rows_to_iso(team: list[HostTimes] = team, rows: list[Rows] = rows) -> int:
            return from_rows(rules, team, rows, first, last, now)

        def minutes_to_iso(team: list[HostTimes] = team) -> int:
            return len(to_iso(offered_starts(rules, team, first, last, now), rules.tz))

        def booking(team: list[HostTimes] = team) -> list[str]:
            return free_hosts(rules, team, expected[len(expected) // 2], now)

        figures = (best_ms(rows_to_iso, 1), *(best_ms(work, rounds) for work in (rows_to_iso, minutes_to_iso, booking)))
        sys.stdout.write(f"{size:>6} " + " ".join(f"{ms:>8.2f}" for ms in figures) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
