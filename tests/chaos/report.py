"""The report: JSON for programs, a table for people."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from tests.chaos.faults import Made
from tests.chaos.verdict import Verdict
from tests.chaos.world import SESSION_TIMEOUT_MS

BROKER_GOAL_SECONDS = 5.0
SERVICE_GOAL_SECONDS = SESSION_TIMEOUT_MS / 1000 + 7
GOALS = {
    "broker restart": BROKER_GOAL_SECONDS,
    "broker lost": BROKER_GOAL_SECONDS,
    "sigkill": SERVICE_GOAL_SECONDS,
    "sigterm": SERVICE_GOAL_SECONDS,
    "sigstop": SERVICE_GOAL_SECONDS,
}
SHOWN = 20


def recoveries(made: Iterable[Made]) -> list[dict[str, Any]]:
    """One row for each kind and what it took away: how often, min/median/max seconds, how often not within 90 s."""
    times: dict[tuple[str, str], list[float | None]] = defaultdict(list)
    for one in made:
        for need in one.needs:
            times[one.kind, need].append(one.recovered.get(need))
    rows: list[dict[str, Any]] = []
    for (kind, need), all_times in sorted(times.items()):
        known = [seconds for seconds in all_times if seconds is not None]
        goal = GOALS.get(kind) if need == "booking" else None
        rows.append(
            {
                "kind": kind,
                "needs": need,
                "times": len(all_times),
                "min": min(known, default=None),
                "median": round(median(known), 2) if known else None,
                "max": max(known, default=None),
                "never": len(all_times) - len(known),
                "goal": goal,
                "met": None if goal is None else sum(seconds <= goal for seconds in known),
            }
        )
    return rows


def failures(verdict: Verdict, facts: Mapping[str, Any]) -> list[str]:
    """Why the run has failed, in sentences; empty: it has not."""
    bad: list[str] = []
    for name, found in (
        ("lost", verdict.lost),
        ("doubled", verdict.doubled),
        ("double-booked", verdict.double_booked),
        ("not decided in time", verdict.late),
        ("without a mail", verdict.mails_missing),
        ("mails twice without a reason", verdict.mails_twice_unexplained),
        ("violations of the audit", facts["violations"]),
        ("dead letters that nobody expects", facts["letters"]),
        ("processes that ended by themselves", facts["unasked_ends"]),
        ("still owed", facts["owed"]),
    ):
        if found:
            bad.append(f"{len(found)} {name}: {'; '.join(map(str, list(found)[:SHOWN]))}")
    return bad


def whole(verdict: Verdict, made: Sequence[Made], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Everything, for JSON."""
    return {
        **facts,
        "verdict": asdict(verdict),
        "failures": failures(verdict, facts),
        "recovery": recoveries(made),
        "faults": [one.shown() for one in made],
    }


def table(report: Mapping[str, Any]) -> str:
    """The same for people, in Markdown."""
    verdict, run, machine = report["verdict"], report["run"], report["machine"]
    refused = ", ".join(f"{count} {code}" for code, count in verdict["refused"].items()) or "none"
    decided = verdict["in_time"] + len(verdict["late"])
    counts = [
        ("offered", f"{verdict['offered']} ({run['rate']}/s, {report['dropped']} more found nobody free to send them)"),
        ("confirmed", verdict["confirmed"]),
        ("refused", f"{sum(verdict['refused'].values())} ({refused})"),
        ("gave up without an answer", verdict["unanswered"]),
        ("moved · cancelled", f"{verdict['moved']} · {verdict['cancelled']}"),
        ("requests and moves decided within 150 s", f"{verdict['in_time']} of {decided}"),
        ("slowest decision", f"{verdict['slowest_seconds']:.1f} s"),
        ("**lost** (a 2xx whose booking is unknown, not final or otherwise)", len(verdict["lost"])),
        ("**doubled** (two bookings of one request)", len(verdict["doubled"])),
        ("**double-booked** (two at one time of one host)", len(verdict["double_booked"])),
        ("**violations** that `turnus audit` found", f"{len(report['violations'])} in {report['checked']} places"),
        ("dead letters that are not our poison", len(report["letters"])),
        ("mails", verdict["mails"]),
        ("confirmed bookings without a mail", len(verdict["mails_missing"])),
        (
            "mails twice · of these with no fault of sender, line or mail server around them",
            f"{len(verdict['mails_twice'])} · {len(verdict['mails_twice_unexplained'])}",
        ),
        ("processes that ended by themselves", len(report["unasked_ends"])),
        ("until rest after the last guest", f"{report['rest_seconds']:.0f} s"),
    ]
    lines = [
        f"`{run['command']}`, {report['took_seconds'] / 60:.1f} minutes of guests and faults, "
        + ", ".join(f"{name} {value}" for name, value in machine.items()),
        "",
        *_rows(("what", "count"), counts),
        "",
        *_rows(
            ("fault", "times", "what works again", "min s", "median s", "max s", "not within 90 s", "goal"),
            [
                (
                    row["kind"],
                    row["times"],
                    {"booking": "a booking", "mail": "a mail", "ready": "ready"}[row["needs"]],
                    _seconds(row["min"]),
                    _seconds(row["median"]),
                    _seconds(row["max"]),
                    row["never"] or "",
                    "" if row["goal"] is None else f"≤ {row['goal']:.0f} s: {row['met']} of {row['times']}",
                )
                for row in report["recovery"]
            ],
        ),
    ]
    if report["failures"]:
        lines += ["", "**Failed**", "", *(f"- {sentence}" for sentence in report["failures"])]
    return "\n".join(lines) + "\n"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _rows(head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> list[str]:
    def line(cells: Sequence[Any]) -> str:
        return f"| {' | '.join(map(str, cells))} |"

    return [line(head), line(["---"] * len(head)), *map(line, rows)]
