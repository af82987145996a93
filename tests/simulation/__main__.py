"""`python -m tests.simulation --seeds 200 --from 0`: play histories, say what was seen and what was violated.

A history that violates something is shrunk to what it needs for that, and printed as a table of events.
"""

import argparse
import gc
import sys
import time

from tests.simulation.coverage import Coverage
from tests.simulation.history import run
from tests.simulation.shrinking import shrink


def main() -> int:
    """Exit code 1 if an invariant was violated, or something was not reached that should have been."""
    given = argparse.ArgumentParser(prog="python -m tests.simulation")
    given.add_argument("--seeds", type=int, default=200, help="how many histories")
    given.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    given.add_argument("--table", action="store_true", help="print the table of events of every history")
    return _histories(given.parse_args())


def _histories(options: argparse.Namespace) -> int:
    coverage = Coverage()
    cpu, steps, violated = 0.0, 0, list[int]()
    gc.collect()
    gc.disable()
    gc.freeze()  # modules and their classes need not be looked through again
    for seed in range(options.first, options.first + options.seeds):
        history = run(seed)
        coverage.add(history.coverage, history.places, history.drawn)
        cpu += history.cpu_seconds
        steps += history.steps
        if options.table:
            print(f"seed {seed}\n{history.table}\n")
        if history.violation is not None:
            violated.append(seed)
            _explain(seed)
        if seed % 20 == 0:
            began = time.process_time()
            gc.collect()
            cpu += time.process_time() - began
    print("\n".join(coverage.report()))
    print(
        f"{options.seeds} histories from seed {options.first}: {len(violated)} violations {violated or ''}, "
        f"{steps} steps, {options.seeds / max(cpu, 1e-9):.1f} histories per core-second"
    )
    return 1 if violated or any(hole.reason is None for hole in coverage.holes()) else 0


def _explain(seed: int) -> None:
    shrunk = shrink(seed)
    print("the same seed was another history this time" if shrunk is None else shrunk.told(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
