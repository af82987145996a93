"""`make chaos`: see `tests/chaos/__init__.py` and docs/chaos.md.

    python -m tests.chaos [--minutes 10] [--seed 0] [--rate 12] [--only sigkill "broker lost"] [--keep FOLDER]

Prints the table, writes build/chaos.json and build/chaos.md, and ends with 1 if anything was lost, doubled,
double-booked or is not as it should be.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from tests.chaos import report
from tests.chaos.run import Plan, run

OUT = Path("build")
ROUNDS_A_MINUTE = 0.5
GUESTS_A_MINUTE = 1_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=int, default=12, help="guests a second")
    parser.add_argument("--rounds", type=int, help="how often every kind of fault is made (default: 5 in 10 minutes)")
    parser.add_argument("--only", nargs="+", default=[], help="kinds of faults")
    parser.add_argument("--together", action="store_true", help="a process for each service, not for each role")
    parser.add_argument("--keep", type=Path, help="a new folder for logs and what guests said")
    given = parser.parse_args()
    plan = Plan(
        seconds=given.minutes * 60,
        seed=given.seed,
        rounds=max(1, round(given.minutes * ROUNDS_A_MINUTE)) if given.rounds is None else given.rounds,
        rate=given.rate,
        guests=0 if given.only else round(given.minutes * GUESTS_A_MINUTE),
        kinds=tuple(given.only),
        together=given.together,
        command=f"make chaos MINUTES={given.minutes:g} SEED={given.seed}",
        keep=given.keep,
    )
    found = asyncio.run(run(plan))
    OUT.mkdir(exist_ok=True)
    (OUT / "chaos.json").write_text(json.dumps(found, indent=1))
    shown = report.table(found)
    (OUT / "chaos.md").write_text(shown)
    sys.stdout.write(shown)
    return 1 if found["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
