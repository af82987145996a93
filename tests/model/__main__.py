"""`python -m tests.model`: explore every scenario, then take away each protection. `--large`: larger ones too."""

import argparse
import sys
import time

from tests.model.protections import PROTECTIONS, explored
from tests.model.scenarios import BOUNDED, LARGE
from tests.model.show import trace
from tests.model.states import Found


def main() -> int:
    """0 if every promise holds in every state, and every protection is missed when it is gone."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--large", action="store_true", help="also what takes minutes")
    parser.add_argument("--most", type=int, default=3_000_000, help="states of one scenario at most")
    parser.add_argument("--traces", action="store_true", help="the shortest way to each violation, as a table")
    asked = parser.parse_args()
    bad = _scenarios(large=asked.large, most=asked.most)
    bad += _protections(traces=asked.traces)
    return 1 if bad else 0


def _scenarios(*, large: bool, most: int) -> int:
    print("| scenario | states | transitions | depth | at rest | violations |\n|---|---|---|---|---|---|")
    begun, states, transitions, depth, bad = time.perf_counter(), 0, 0, 0, 0
    for scenario in LARGE if large else BOUNDED:
        found = explored(scenario, most=most)
        states, transitions, depth = states + found.states, transitions + found.transitions, max(depth, found.depth)
        bad += found.violation is not None
        more = "" if found.complete else "more than "
        counts = f"{more}{found.states:,} | {found.transitions:,} | {found.depth} | {found.at_rest:,}"
        print(f"| {scenario.name} | {counts} | {0 if found.violation is None else 1} |", flush=True)
        if found.violation is not None:
            _print_trace(found)
    seconds = time.perf_counter() - begun
    print(f"| all | {states:,} | {transitions:,} | {depth} | | {bad} |")
    print(f"\n{states:,} states, {transitions:,} transitions, depth {depth}, {seconds:.1f} s, {bad} violations\n")
    return bad


def _protections(*, traces: bool) -> int:
    print("| without | scenario | states until | steps | what breaks |\n|---|---|---|---|---|")
    survivors, ways = 0, list[tuple[str, Found]]()
    for rule, protection in PROTECTIONS.items():
        found = explored(protection.scenario, protection)
        survivors += found.violation is None
        ways.append((rule, found))
        what = (found.violation or "nothing: nobody misses it").partition(": ")[0]
        steps = len(found.trace) - 1 if found.trace else "–"
        print(f"| {rule} | {protection.scenario.name} | {found.states:,} | {steps} | {what} |", flush=True)
    for rule, found in ways if traces else ():
        print(f"\n### Without: {rule}\n")
        _print_trace(found)
    return survivors


def _print_trace(found: Found) -> None:
    print("\n".join(trace(found)))


if __name__ == "__main__":
    sys.exit(main())
