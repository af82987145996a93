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
