"""The document of a run as a table to read. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.load.figures import Goal

BAR = 40
"""Characters of the longest bar."""
COUNTED = ("winners", "waiting", "refused", "failed", "undecided", "dropped")


def table(document: Mapping[str, Any], goals: Sequence[Goal]) -> str:
    """All of it, the machine first and what was promised last."""
    lines = ["   ".join(f"{name} {value}" for name, value in document["machine"].items()), document["command"]]
    for place, found in document["places"].items():
        lines += heading(place, found["limits"])
        part = None
        for entry in found["rounds"]:
            if entry["part"] != part:
                part = entry["part"]
                lines += ["", f"{part}   ({entry['command']})"]
            lines += row(entry)
    lines += ["", *promised(document, goals)]
    return "\n".join(lines) + "\n"


def heading(place: str, limits: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """An installation and its raw limits."""
    lines = ["", f"== {place}", f"{'raw limits':44} {'a second':>9} {'p50 ms':>8} {'CPU ms':>8}"]
    for kind, limit in limits.items():
        numbers = f"{limit['per_second']:9.0f} {limit['p50_ms']:8.2f} {limit['cpu_ms']:8.2f}"
        lines.append(f"  {kind:7} {limit['what']:34} {numbers}")
    return lines


def row(entry: Mapping[str, Any]) -> list[str]:
    """One round in a few lines."""
    texts = ["   ".join(told) for told in (_answers(entry), _costs(entry), _others(entry)) if told]
    texts += [f"of the raw limits: {text}" for text in _compared(entry)]
    texts += bars(entry.get("cpu", {}))
    return [f"  {entry['round']}", *(f"      {text}" for text in texts)]


def bars(parts: Mapping[str, float]) -> list[str]:
    """Where the CPU goes, a bar each."""
    whole = sum(parts.values())
    most = max(parts.values(), default=0.0)
    width = max((len(name) for name in parts), default=0)
    return [
        f"{name:{width}} {ms:7.2f} ms {ms / whole:5.0%} {'█' * round(ms / most * BAR)}"
        for name, ms in parts.items()
        if whole and ms / whole >= 0.002
    ]


def promised(document: Mapping[str, Any], goals: Sequence[Goal]) -> Iterator[str]:
    """Each goal beside every figure that was measured for it."""
    for goal in goals:
        for place, found in document["places"].items():
            for entry in found["rounds"]:
                value = entry.get(goal.figure)
                if entry["part"] == goal.part and entry["round"].startswith(goal.round) and value is not None:
                    word = "holds" if goal.holds(value) else "DOES NOT HOLD"
                    sign = "≤" if goal.most else "≥"
                    yield f"{goal.says} {sign} {goal.bound:g}: {value:.3g}, {word}   ({place}, {entry['round']})"


def _answers(entry: Mapping[str, Any]) -> list[str]:
    texts: list[str] = []
    if "confirmed_per_second" in entry:
        texts.append(f"{entry['confirmed_per_second']:.1f} confirmed/s")
    waits = [f"{name} {_ms(entry.get(f'{name}_ms'))}" for name in ("p50", "p90", "p99", "p999")]
    if "p50_ms" in entry:
        texts.append(" ".join([*waits, f"max {_ms(entry.get('max_ms'))} ms"]).replace("p999", "p99.9"))
    texts += [f"{entry[name]} {name}" for name in COUNTED if entry.get(name)]
    texts += [f"{count} {code}" for code, count in entry.get("codes", {}).items() if count]
    return texts


def _costs(entry: Mapping[str, Any]) -> list[str]:
    each = [(name[7:].replace("_", " "), value) for name, value in entry.items() if name.startswith("cpu_ms_")]
    texts = ["CPU ms each: " + ", ".join(f"{name} {value:.2f}" for name, value in each)] if each else []
    if "cores_busy" in entry:
        texts.append(f"{entry['cores_busy']:.2f} cores busy")
    if "rest_s" in entry:
        texts.append(f"at rest after {entry['rest_s']:.1f} s")
    if "whole_per_second" in entry:
        texts.append(f"{entry['whole_per_second']:.1f}/s until then")
    return texts


def _others(entry: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} {_short(value)}" if isinstance(value, float) else f"{name} {value}"
        for name, value in entry.get("more", {}).items()
    ]


def _compared(entry: Mapping[str, Any]) -> list[str]:
    """The ratios of what matters most; the JSON has those of every figure."""
    names = {
        "confirmed_per_second": "confirmed/s",
        "p50_ms": "p50",
        "cpu_ms_ours": "our CPU",
        "answered_s": "all answered",
    }
    found = [
        f"{told} = " + ", ".join(f"{_short(ratio)} × {kind}" for kind, ratio in entry["ratios"][name].items())
        for name, told in names.items()
        if name in entry["ratios"]
    ]
    return ["   ".join(found)] if found else []


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}" if value >= 100 else f"{value:.1f}"
