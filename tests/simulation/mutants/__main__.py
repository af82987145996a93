"""`python -m tests.simulation.mutants`: switch off each protection in turn and say who noticed, after how long.

`--write` puts the table into `docs/mutants.md`.
"""

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.mutants import MUTANTS, page
from tests.simulation.mutants.judging import Verdict, judged, pytest
from tests.simulation.mutants.registry import Mutant


def main() -> int:
    """Exit code 1 if a mutant survived."""
    given = argparse.ArgumentParser(prog="python -m tests.simulation.mutants")
    given.add_argument("--seeds", type=int, default=None, help="histories at most, instead of what each mutant says")
    given.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    given.add_argument("--only", default="", help="mutants whose name has this in it")
    given.add_argument("--by", default="", help="mutants that are to be noticed by this: simulation, model or tests")
    given.add_argument("--processes", type=int, default=2)
    given.add_argument("--write", action="store_true", help="write the table of what was judged into docs/mutants.md")
    options = given.parse_args()
    chosen = [one for one in MUTANTS if options.only in one.name and one.seen_by.startswith(options.by)]
    tests = sorted({one.seen_by for one in chosen if "::" in one.seen_by})
    if tests and (sound := pytest(tests)).returncode:
        print(f"the tests that have to notice mutants fail without any:\n{sound.stdout}")
        return 1
    verdicts: list[Verdict] = []
    for verdict in _judged(chosen, options):
        verdicts.append(verdict)
        print(line(verdict), flush=True)
    survivors = [one.mutant for one in verdicts if one.survived]
    print(f"{len(verdicts)} mutants, {len(survivors)} survived{': ' if survivors else ''}{', '.join(survivors)}")
    if options.write:
        page.write(verdicts)
    return 1 if survivors else 0


def _judged(chosen: list[Mutant], options: argparse.Namespace) -> Iterator[Verdict]:
    asked = ([one.name for one in chosen], [options.first] * len(chosen), [options.seeds] * len(chosen))
    if options.processes == 1:
        yield from map(judged, *asked)
        return
    with ProcessPoolExecutor(options.processes) as pool:
        yield from pool.map(judged, *asked)


def line(verdict: Verdict) -> str:
    """One mutant on the screen."""
    told = "SURVIVED" if not verdict.by else verdict.by
    if verdict.broken:
        told = f"THE SWITCH IS BROKEN: {told}"
    return f"{verdict.mutant:58} {verdict.seconds:6.1f} s  {verdict.after:5}  {told.splitlines()[0][:160]}"


if __name__ == "__main__":
    sys.exit(main())
