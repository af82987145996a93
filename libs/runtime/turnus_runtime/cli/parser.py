"""What can be typed. Every command says which function runs it, as `module:function` of this package.

Other packages add commands by entry points (`turnus.commands`): functions that get the parsers to add theirs to, and
name what runs them with the whole path of its module.
"""

import argparse
import re
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

ROLES = ("http", "consume", "jobs")
COMMANDS_GROUP = "turnus.commands"


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments; `run` names the function. Wrong usage ends the process with 2, as argparse does."""
    return _parser().parse_args(argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="turnus", description="Event-driven appointment booking.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _running(commands)
    _looking(commands)
    _mending(commands)
    _saving(commands)
    _making(commands)
    for added in sorted(entry_points(group=COMMANDS_GROUP)):
        added.load()(commands)
    return parser


if TYPE_CHECKING:
    # argparse has no public name for it
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


def _add(commands: "Commands", name: str, run: str, about: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
    command.set_defaults(run=run)
    return command


def _group(commands: "Commands", name: str, about: str) -> "Commands":
    return commands.add_parser(name, help=about).add_subparsers(required=True, metavar="COMMAND")


def _running(commands: "Commands") -> None:
    up = _add(commands, "up", "starting:up", "start everything on this machine, with a demo workspace")
    up.add_argument("--detach", action="store_true", help="return when it is ready; `turnus down` stops it")
    up.add_argument("--data-dir", type=Path, help="where the data is kept (default: TURNUS_DATA_DIR or ./data)")
    up.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)
    down = _add(commands, "down", "ending:down", "stop what `turnus up` started")
    down.add_argument("--data-dir", type=Path, help="as for `up`")

    serve = _add(commands, "serve", "running:serve", "run services as one process, until SIGTERM or Ctrl-C")
    serve.add_argument("services", nargs="+", metavar="NAME|all")
    serve.add_argument("--role", action="append", choices=ROLES, help="repeatable; all roles by default")
    _add(commands, "topics", "running:topics", "make the topics that are missing")


def _looking(commands: "Commands") -> None:
    status = _add(commands, "status", "looking:status", "show what each service owes, lags behind and has given up")
    status.add_argument("services", nargs="*", metavar="SERVICE")
    _as_json(status)

    events = _group(commands, "events", "look at topics")
    tail = _add(events, "tail", "looking:tail", "print events as they come, one JSON object a line")
    tail.add_argument("topics", nargs="*", metavar="TOPIC", help="all without personal data by default")
    tail.add_argument(
        "--since", type=seconds, default=0.0, metavar="10m|2h|7d|all", help="begin earlier than now (default: now)"
    )
    tail.add_argument("--no-follow", action="store_true", help="end with the last event that is there now")

    letters = _group(commands, "dead-letters", "look at what services gave up, and try it again")
    listed = _add(letters, "list", "looking:letters", "list dead letters")
    listed.add_argument("services", nargs="*", metavar="SERVICE")
    listed.add_argument("--all", action="store_true", help="those that were replayed, too")
    _as_json(listed)
    show = _add(letters, "show", "looking:letter", "show dead letters with error, origin and payload")
    show.add_argument("ids", nargs="+", metavar="ID")
    replay = _add(letters, "replay", "looking:replay", "publish dead letters again where they came from")
    chosen = replay.add_mutually_exclusive_group(required=True)
    chosen.add_argument("ids", nargs="*", default=[], metavar="ID")
    chosen.add_argument("--all", action="store_true", help="all that were not replayed yet and have a payload")


def _mending(commands: "Commands") -> None:
    republish = _add(commands, "republish", "looking:republish", "say again everything that services say of themselves")
    republish.add_argument("services", nargs="*", metavar="SERVICE", help="all by default")
    rewrite = _add(
        commands,
        "rewrite",
        "looking:rewrite",
        "write again what an older release wrote, so that lists of this one find it",
    )
    rewrite.add_argument("services", nargs="*", metavar="SERVICE", help="all by default")


def _saving(commands: "Commands") -> None:
    backup = _add(commands, "backup", "saving:backup", "write every record of a service to a file, while it runs")
    backup.add_argument("service", metavar="SERVICE")
    backup.add_argument("--to", type=Path, required=True, metavar="FILE", help="readable by its owner only")
    backup.add_argument("--force", action="store_true", help="replace a file that is there")
    restore = _add(
        commands, "restore", "saving:restore", "close a service and make its store what a backup holds; then: repair"
    )
    restore.add_argument("service", metavar="SERVICE")
    restore.add_argument("--from", dest="file", type=Path, required=True, metavar="FILE")
    close = _add(
        commands, "close", "saving:close", "close a service, before another tool sets its store back; then: repair"
    )
    close.add_argument("service", metavar="SERVICE")


def _making(commands: "Commands") -> None:
    config = _add(commands, "config", "making:config", "show every setting, secrets masked, and where it came from")
    _as_json(config)

    workspace = _group(commands, "workspace", "workspaces")
    create = _add(workspace, "create", "making:create_workspace", "make a workspace and its owner, by the public API")
    create.add_argument("--name", required=True, help="what people read")
    create.add_argument("--slug", required=True, help="first part of its addresses")
    create.add_argument("--tz", default="UTC", help="IANA name of its zone (default: %(default)s)")
    create.add_argument("--locale", default="en", help="language of its mails (default: %(default)s)")
    create.add_argument("--owner-name", required=True)
    create.add_argument("--owner-email", required=True)
    create.add_argument("--url", help="address of the installation (default: TURNUS_API_URL)")
    create.add_argument("--idempotency-key", help="the same key makes the same workspace")

    schemas = _add(
        commands, "schemas", "generating:schemas", "write JSON Schemas, AsyncAPI, OpenAPI and generated docs"
    )
    schemas.add_argument("--check", action="store_true", help="write nothing; fail if something is not current")


def _as_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="for programs")


def seconds(text: str) -> float:
    """`90s`, `10m`, `2h`, `7d` in seconds; `all` is infinity."""
    if text == "all":
        return float("inf")
    match = re.fullmatch(r"(\d+)([smhd])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no span: use 90s, 10m, 2h, 7d or all")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[match[2]]
