"""What was measured, as values: percentiles that can be told, ratios to the raw limits, the JSON document. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

PERCENTILES: Mapping[str, float] = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "p999_ms": 0.999}


@dataclass(frozen=True)
class Limit:
    """What one server does when it is asked for nothing else.

    `per_second` of many callers at once, `p50_ms` of a single caller, `cpu_ms` of all processes for one of many.
    """

    what: str
    per_second: float
    p50_ms: float
    cpu_ms: float


Limits = Mapping[str, Limit]
"""By `store`, `broker`, `http`."""


@dataclass(frozen=True)
class Goal:
    """A figure that was promised. `most`: the figure may be at most so large, else it must be at least so large."""

    says: str
    part: str
    round: str
    figure: str
    bound: float
    most: bool = True

    def holds(self, value: float) -> bool:
        return value <= self.bound if self.most else value >= self.bound


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the (sorted) values do not exceed. There must be one."""
    return values[min(int(len(values) * share), len(values) - 1)]


def can_be_told(share: float, count: int) -> bool:
    """Whether so many values say anything about this percentile: at least one of them must lie beyond it."""
    return round(count * (1 - share), 9) >= 1


def told(percentiles: Mapping[str, float | None], count: int) -> dict[str, float | None]:
    """Those percentiles that so many values can tell; the others are None."""
    return {name: percentiles[name] if can_be_told(share, count) else None for name, share in PERCENTILES.items()}


def ratios(figures: Mapping[str, Any], limits: Limits) -> dict[str, dict[str, float]]:
    """Each figure as a multiple of what store, broker and HTTP do alone.

    The name tells what it is compared with: `…_per_second` with theirs, `cpu_ms…` with their CPU for one operation,
    `…_ms` and `…_s` with the wait of one caller. What is none of these has no ratio.
    """
    found: dict[str, dict[str, float]] = {}
    for name, value in figures.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if name.startswith("cpu_ms"):
            found[name] = {kind: value / limit.cpu_ms for kind, limit in limits.items() if limit.cpu_ms}
        elif name.endswith("_per_second"):
            found[name] = {kind: value / limit.per_second for kind, limit in limits.items()}
        elif name.endswith(("_ms", "_s")):
            waited = value if name.endswith("_ms") else value * 1000
            found[name] = {kind: waited / limit.p50_ms for kind, limit in limits.items()}
    return found


@dataclass(frozen=True)
class Used:
    """CPU seconds by process while something ran, `busy` those of the whole machine, `seconds` how long it took."""

    seconds: float
    processes: Mapping[str, float]
    busy: float


NOT_OURS = ("store", "broker", "cache", "mail server", "guests")
"""Processes that are no code of this product."""


def costs(used: Used, bookings: int) -> dict[str, float]:
    """CPU milliseconds a booking: of our processes together, and of each of the others."""
    each = {name: seconds * 1000 / max(bookings, 1) for name, seconds in used.processes.items()}
    ours = sum(ms for name, ms in each.items() if name not in NOT_OURS)
    others = {f"cpu_ms_{name.replace(' ', '_')}": each[name] for name in NOT_OURS if name in each}
    return {"cpu_ms_ours": ours, **others}


def parts_of(used: Used, bookings: int) -> dict[str, float]:
    """CPU milliseconds a booking by process, the rest of the machine too, largest first."""
    each = {name: seconds * 1000 / max(bookings, 1) for name, seconds in used.processes.items()}
    each["everything else"] = max(used.busy - sum(used.processes.values()), 0.0) * 1000 / max(bookings, 1)
    return dict(sorted(each.items(), key=lambda item: -item[1]))


class Document:
    """Everything that a run measured: `{"machine", "command", "places": {place: {limits, rounds}}}`."""

    def __init__(self, machine: Mapping[str, Any], command: str) -> None:
        self.machine = dict(machine)
        self.command = command
        self.places: dict[str, dict[str, Any]] = {}

    def limit(self, place: str, limits: Limits) -> None:
        """The raw limits of an installation: every round there is compared with them."""
        shown = {kind: asdict(limit) for kind, limit in limits.items()}
        self.places[place] = {"limits": shown, "rounds": []}

    def add(self, place: str, part: str, name: str, command: str, figures: Mapping[str, Any]) -> dict[str, Any]:
        """One round: what was done, by which command, what came of it, and the ratios to the limits of the place."""
        limits = {kind: Limit(**limit) for kind, limit in self.places[place]["limits"].items()}
        entry = {"part": part, "round": name, "command": command, **figures, "ratios": ratios(figures, limits)}
        self.places[place]["rounds"].append(entry)
        return entry

    def shown(self) -> dict[str, Any]:
        """For JSON."""
        return {"machine": self.machine, "command": self.command, "places": self.places}
