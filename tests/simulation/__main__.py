"""`python -m tests.simulation --seeds 200 --from 0`: play histories, say what was seen and what was violated.

`--mutants`: switch off each protection in turn and say after how many histories the simulation noticed.
"""

import argparse
import gc
import sys
import time
from collections import Counter

from tests.simulation.history import run
from tests.simulation.mutants import MUTANTS, found_after
from tests.simulation.watch import transitions_missed


def main() -> int:
    """Exit code 1 if an invariant was violated, or a mutant survived."""
    given = argparse.ArgumentParser(prog="python -m tests.simulation")
    given.add_argument("--seeds", type=int, default=200, help="how many histories (with --mutants: at most)")
    given.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    given.add_argument("--mutants", action="store_true")
    given.add_argument("--only", default="", help="with --mutants: those whose name has this in it")
    given.add_argument("--table", action="store_true", help="print the table of events of every history")
    options = given.parse_args()
    return _mutants(options) if options.mutants else _histories(options)


def _histories(options: argparse.Namespace) -> int:
    seen: Counter[str] = Counter()
    cpu, steps, violated = 0.0, 0, 0
    for seed in range(options.first, options.first + options.seeds):
        history = run(seed)
        seen.update(history.coverage)
        cpu += history.cpu_seconds
        steps += history.steps
        if options.table or history.violation is not None:
            print(history.table)
        if history.violation is not None:
            violated += 1
            print(f"\nseed {seed}: {history.violation}\n", flush=True)
        if seed % 20 == 0:
            gc.collect()
    _report(seen)
    print(
        f"{options.seeds} histories from seed {options.first}: {violated} violations, {steps} steps, "
        f"{options.seeds / max(cpu, 1e-9):.1f} histories per core-second"
    )
    return 1 if violated else 0


def _report(seen: Counter[str]) -> None:
    arrows = {name: count for name, count in seen.items() if name.startswith("booking ")}
    print("\ntransitions of bookings")
    for name, count in sorted(arrows.items()):
        print(f"{count:8}  {name.removeprefix('booking ')}")
    struck = {name: count for name, count in seen.items() if name.startswith(("crash ", "failing "))}
    kinds = Counter(name.split()[0] for name in Counter(struck).elements())
    sky = [f"{count} × {name.removeprefix('sky ')}" for name, count in sorted(seen.items()) if name.startswith("sky ")]
    print(f"\nfaults: {kinds['crash']} crashes and {kinds['failing']} refused steps at {len(struck)} places")
    print(f"and {', '.join(sky)}")
    for handler in sorted({name.rpartition(" in ")[2] for name in struck}):
        places = Counter({name: count for name, count in struck.items() if name.endswith(f" in {handler}")})
        kinds = Counter(name.split()[0] for name in places.elements())
        print(f"{kinds['crash']:8} crashes {kinds['failing']:6} refused steps at {len(places):3} places  {handler}")
    for missed in transitions_missed(arrows):
        print(f"NOT REACHED: {missed}")
    print()


def _mutants(options: argparse.Namespace) -> int:
    survived = 0
    for mutant in MUTANTS:
        if options.only not in mutant.name:
            continue
        began = time.process_time()
        found = found_after(mutant, range(options.first, options.first + options.seeds))
        survived += found is None
        told = "SURVIVED" if found is None else f"{found[0]} {found[1]}"
        print(f"{mutant.name:58} {time.process_time() - began:6.1f} s  {told[:160]}", flush=True)
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
