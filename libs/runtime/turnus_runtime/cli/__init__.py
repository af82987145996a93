"""The `turnus` command.

A command's module is imported when the command runs, so that `turnus --help` and `turnus down` answer at once. What a
person can mend is one clear sentence on stderr and exit code 1 (a command may name another one, `unanswered`, for
servers that do not answer); wrong usage is 2; Ctrl-C is 130.
"""

import re
import sys
from collections.abc import Sequence
from importlib import import_module

from turnus_runtime.cli.parser import parsed

PROBLEMS = frozenset(
    {
        "BrokerUnavailable",
        "DataDirectoryInUse",
        "OperationError",
        "PortInUse",
        "ServerDidNotStart",
        "ServerUnavailable",
        "ServiceClosed",
        "SettingsError",
        "StoreUnavailable",
        "UnknownTopic",
    }
)
"""Names of exceptions of the runtime whose message says what to do; by name, so that none needs importing."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    arguments = parsed(argv)
    module, _, function = str(arguments.run).partition(":")
    try:
        where = module if "." in module else f"turnus_runtime.cli.{module}"
        return int(getattr(import_module(where), function)(arguments) or 0)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `turnus events tail | head`
        sys.stderr.close()
        return 0
    except Exception as problem:
        sentence = _sentence(problem)
        if sentence is None:
            raise
        print(f"turnus: {sentence}", file=sys.stderr)
        return getattr(arguments, "unanswered", 1) if _is_unanswered(problem) else 1


def _sentence(problem: Exception) -> str | None:
    ours = type(problem).__module__.startswith("turnus_runtime.")
    for kind in type(problem).__mro__:
        if ours and kind.__name__ in PROBLEMS:
            way_out = _WAYS_OUT.get(kind.__name__)
            return str(problem) if way_out is None else way_out.format(_FULL_STORY.split(str(problem))[0])
    return None


def _is_unanswered(problem: Exception) -> bool:
    return any(kind.__name__ in _WAYS_OUT for kind in type(problem).__mro__)


_FULL_STORY = re.compile(r" \(configured timeouts|, Timeout: ")
"""Where drivers begin to tell everything they know."""
_WAYS_OUT = {
    "BrokerUnavailable": "the broker does not answer ({}): is it running, and is TURNUS_KAFKA_URL right?",
    "StoreUnavailable": "the store does not answer ({}): is it running, and is TURNUS_MONGO_URL right?",
}
