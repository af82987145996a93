"""What can be typed: the commands of this package, added to those of `turnus` (entry points `turnus.commands`)."""

from typing import TYPE_CHECKING

from turnus_runtime.cli.parser import seconds

if TYPE_CHECKING:
    from turnus_runtime.cli.parser import Commands

UNANSWERED = 2
"""Exit code when a store does not answer: nothing is known then."""


def add_audit(commands: "Commands") -> None:
    """`turnus audit`."""
    audit = commands.add_parser(
        "audit",
        help="hold all stores to the invariants; 0 clean, 1 violated, 2 no answer",
        description="Look through the stores of all services and print what must not be. Nothing is written.",
    )
    audit.set_defaults(run="oversight.running:audit", unanswered=UNANSWERED)
    audit.add_argument("--watch", action="store_true", help="go on until stopped, with log lines and metrics")
    audit.add_argument(
        "--every", type=seconds, default=60.0, metavar="60s|10m", help="the pause between two rounds of --watch"
    )
    audit.add_argument(
        "--bound",
        type=seconds,
        metavar="150s",
        help="how long what is under way may disagree before it counts (default: the bound of a request)",
    )
    audit.add_argument("--json", action="store_true", help="for programs")


def add_repair(commands: "Commands") -> None:
    """`turnus repair`."""
    repair = commands.add_parser(
        "repair",
        help="repair closed services by what the others know, and open them; 0 clean, 1 disagreeing, 2 no answer",
        description="Compare every service that is closed with the others, repair what it lost, hold all stores to the "
        "invariants, and open it if they agree. What cannot agree is listed and decided by nobody but you.",
    )
    repair.set_defaults(run="oversight.repairing:repair", unanswered=UNANSWERED)
    repair.add_argument("--dry-run", action="store_true", help="write nothing, say how much would be changed")
    repair.add_argument(
        "--open-anyway", action="store_true", help="open although something disagrees: after you have read the list"
    )
    repair.add_argument(
        "--bound",
        type=seconds,
        metavar="150s",
        help="how long services may take to catch up once they are open (default: the bound of a request)",
    )
    repair.add_argument("--json", action="store_true", help="for programs")
