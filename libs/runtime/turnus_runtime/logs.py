"""Log lines: one JSON object a line on stdout, from structlog and from every library that uses `logging`.

No personal data: what is logged is chosen that way (ids, route templates, no queries), and `masked` is the last step
before a line is written, in case somebody forgot.
"""

import functools
import logging
import re
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO, cast

import structlog
from structlog.contextvars import bound_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

from turnus_runtime import telemetry
from turnus_runtime.settings import Settings

bound = bound_contextvars
"""`with bound(booking_id="bk_…", role="consume"):` puts these into every line within, in tasks begun there too."""

MASK = "***"
FRAMES = 12
QUIET = ("aiokafka", "asyncio", "faststream", "httpcore", "httpx", "multipart", "opentelemetry", "pymongo", "urllib3")
"""Libraries that are heard from `warning` upwards only; some write whole addresses, queries included, at `info`."""
SILENT = ("uvicorn.access",)
"""Its lines hold paths with queries; the runtime writes one line a request itself."""
SPEAKING = ("aiokafka.", "pymongo.", "redis.", "turnus_runtime.", "ssl")
"""Exceptions of these modules and of the system keep their message: it is about machines. Others may name people."""
SECRET_KEYS = re.compile(
    r"pass(word|wd)?|secret|token|authorization|cookie|api_?key|e?mail(_address)?|phone|guest|answers|credential",
    re.IGNORECASE,
)

_MASKS: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = (
    # what a text must hold for the pattern to be worth a try, the pattern, the replacement
    (("://",), re.compile(r"(?<=://)([^:/@\s]*):[^\s/?#]*@"), rf"\1:{MASK}@"),
    (("eyJ",), re.compile(r"eyJ[\w-]+\.[\w-]+(\.[\w-]*)?"), MASK),
    (("bkt_", "ivt_", "prt_"), re.compile(r"\b(bkt|ivt|prt)_[\w.~=-]+"), rf"\1_{MASK}"),
    ((" ",), re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), rf"\1 {MASK}"),
    (
        ("=", ":"),
        re.compile(r"""(?i)(pass(?:word|wd)?|secret|token|api_?key)(["']?\s*[=:]\s*["']?)[^&\s"',;})]+"""),
        rf"\1\2{MASK}",
    ),
    (("?",), re.compile(r"(https?://[^\s?#'\"]*)\?[^\s'\"]+"), rf"\1?{MASK}"),
    (("?",), re.compile(r"(?:(?<=\s)|(?<=^)|(?<=['\"]))(/[\w./{}~%-]*)\?[^\s'\"]+"), rf"\1?{MASK}"),
    (
        ("@", "%40"),
        re.compile(r"[^\s@<>\"(),:;\[\]]+(?:@|%40)(?:localhost\b|(?:[^\W_][\w-]*\.)+[^\W\d_][\w-]+)"),
        f"{MASK}@{MASK}",
    ),
)


def configure(settings: Settings, out: TextIO | None = None) -> None:
    """Write all log lines of this process to `out` (stdout) from now on. May be called again."""
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _where,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*common, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level.upper()]),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*common, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _told_exception,
                _masked_line,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("uvicorn")]:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    logging.captureWarnings(capture=True)
    sys.excepthook = _last_words


def masked(value: Any) -> Any:
    """The value without e-mail addresses, tokens, passwords and queries, in all strings of it; objects as text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        pairs = cast("Mapping[Any, Any]", value).items()
        return {_text(str(key)): MASK if part and _is_secret(key) else masked(part) for key, part in pairs}
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(part) for part in cast("list[Any]", value)]
    return _text(value if isinstance(value, str) else str(value))


@functools.lru_cache(maxsize=1_000)
def _is_secret(key: object) -> bool:
    return SECRET_KEYS.fullmatch(str(key)) is not None


def _text(text: str) -> str:
    for needles, pattern, replacement in _MASKS:
        for needle in needles:
            if needle in text:
                text = pattern.sub(replacement, text)
                break
    return text


def _where(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    service = telemetry.serving.get()
    if service:
        line.setdefault("service", service)
    trace = telemetry.current_trace()
    if trace is not None:
        line["trace_id"], line["span_id"] = trace
    return line


def _told_exception(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    raised: object = line.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    error: object = cast("tuple[object, ...]", raised)[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        line["exception"] = told(error)
    return line


def told(error: BaseException) -> list[dict[str, Any]]:
    """What a line says about an error and its causes, outermost first: type, place, and the message if it may speak."""
    chain: list[dict[str, Any]] = []
    present: BaseException | None = error
    while present is not None and len(chain) < 5:
        frames = traceback.extract_tb(present.__traceback__)[-FRAMES:]
        entry: dict[str, Any] = {
            "type": f"{type(present).__module__}.{type(present).__qualname__}".removeprefix("builtins."),
            "at": [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames],
        }
        if isinstance(present, OSError) or type(present).__module__.startswith(SPEAKING):
            entry["message"] = str(present)
        if isinstance(present, BaseExceptionGroup):
            entry["errors"] = [told(part) for part in cast("BaseExceptionGroup[BaseException]", present).exceptions]
        chain.append(entry)
        present = present.__cause__ or (None if present.__suppress_context__ else present.__context__)
    return chain


def _short(filename: str) -> str:
    return "/".join(Path(filename).parts[-2:])


def _masked_line(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    return cast("EventDict", masked(line))


def _last_words(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    structlog.stdlib.get_logger("turnus").critical("process_failed", exc_info=error)
