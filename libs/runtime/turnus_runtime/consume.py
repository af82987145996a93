"""From a Kafka message to a handler's turn, and from a poison message to the dead letters.

What cannot be read, or a handler that raises, is deterministic: one retry, then `<service>.dlq`, and the lane goes on.
While store or broker do not answer, the exception goes back to the consumer, which pauses the lane and tries again.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import structlog
from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from turnus_contracts import Event
from turnus_runtime import telemetry
from turnus_runtime.ports import Broker, BrokerUnavailable, Clock, Message, StoreUnavailable
from turnus_runtime.service import Handler, Service
from turnus_runtime.turn import Turn

log = structlog.get_logger(__name__)

ERROR_CHARACTERS = 500
SUBJECT = "ce_subject"
"""The header that says what an event is about (CloudEvents 1.0, `subject`)."""
WORKSPACE = "workspace_id"
"""The header of a dead letter that says whose event it was, as far as that could be read."""
ADDED = ("origin_topic", "origin_partition", "origin_offset", "error", "error_detail", "buried_at", WORKSPACE)
"""The headers of a dead letter that its message did not have."""
UNREADABLE = "unreadable: "
"""How the detail of an error begins that names the fields in which a message could not be read."""
_WORKSPACE_ID = re.compile(r"[a-z0-9_]{1,64}")


def dead_letter_topic(service: str) -> str:
    """The topic that keeps what a service could not handle."""
    return f"{service}.dlq"


class Receiver:
    """Receives the messages of one service."""

    def __init__(
        self,
        service: Service,
        broker: Broker,
        clock: Clock,
        turn: Callable[[], Turn],
        observe: Callable[[str, str, float, int], None] | None = None,
    ) -> None:
        self._service = service
        self._broker = broker
        self._clock = clock
        self._turn = turn
        self._observe = observe
        self._handlers: Mapping[str, tuple[type[Event], Handler]] = {
            contract.topic(): (contract, handler) for contract, handler in service.consumes.items()
        }

    @property
    def topics(self) -> list[str]:
        """What the service listens to."""
        return sorted(self._handlers)

    def lane(self, message: Message) -> str:
        """What is handled one message at a time, see `Service.one_at_a_time`."""
        about = message.headers.get(SUBJECT) if self._service.one_at_a_time == "subject" else None
        return about or message.key

    async def receive(self, message: Message) -> None:
        """Handle one message; raises only `StoreUnavailable` or `BrokerUnavailable`."""
        if message.value is None:
            return
        contract, handler = self._handlers[message.topic]
        began = time.perf_counter()
        serving = telemetry.serving.set(self._service.name)
        try:
            with (
                telemetry.continued(message.headers.get("traceparent", "")),
                telemetry.span(f"{message.topic} {self._service.name}", kind=SpanKind.CONSUMER),
                structlog.contextvars.bound_contextvars(topic=message.topic, **_subject(contract)),
            ):
                await self._settle(contract, handler, message)
                log.debug("handled")
            if self._observe is not None:
                self._observe("handle", message.topic, time.perf_counter() - began, 1)
        finally:
            telemetry.serving.reset(serving)

    async def _settle(self, contract: type[Event], handler: Handler, message: Message) -> None:
        try:
            await self._handle(contract, handler, message)
        except (StoreUnavailable, BrokerUnavailable):
            raise
        except Exception as problem:  # noqa: BLE001 - whatever a handler raises is deterministic
            await self._bury(contract, message, problem)

    async def _handle(self, contract: type[Event], handler: Handler, message: Message) -> None:
        event = contract.model_validate_json(message.value or b"")
        if contract.about is not None:
            structlog.contextvars.bind_contextvars(**{contract.about: getattr(event, contract.about)})
        try:
            await handler(event, self._turn())
        except (StoreUnavailable, BrokerUnavailable):
            raise
        except Exception as problem:  # noqa: BLE001 - whatever a decision raises is its answer
            telemetry.count_retry(message.topic)
            log.warning("handler_retried", topic=message.topic, problem=type(problem).__name__)
            await handler(event, self._turn())

    async def _bury(self, contract: type[Event], message: Message, problem: Exception) -> None:
        log.error(
            "dead_letter",
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            problem=type(problem).__name__,
            exc_info=None if contract.personal or isinstance(problem, ValidationError) else problem,
        )
        if self._observe is not None:
            self._observe("dead_letter", message.topic, 0.0, 1)
        await self._broker.publish([self._letter(contract, message, problem)])

    def _letter(self, contract: type[Event], message: Message, problem: Exception) -> Message:
        """Origin and error as headers; the payload too, unless it is personal data."""
        headers = dict(message.headers) | {
            "origin_topic": message.topic,
            "origin_partition": str(message.partition),
            "origin_offset": str(message.offset),
            "error": type(problem).__name__,
            "error_detail": "" if contract.personal else _detail(problem),
            "buried_at": self._clock.now().isoformat(),
            WORKSPACE: workspace_of(message.value),
        }
        value = b"" if contract.personal else message.value
        return Message(dead_letter_topic(self._service.name), message.key, value, headers)


def workspace_of(value: bytes | None) -> str:
    """The workspace that a message names, however wrong the rest of it is; empty if it names none."""
    try:
        told: Any = json.loads(value or b"")
    except (ValueError, RecursionError):
        return ""
    name: Any = cast("dict[str, Any]", told).get("workspace_id") if isinstance(told, dict) else None
    return name if isinstance(name, str) and _WORKSPACE_ID.fullmatch(name) else ""


def _subject(contract: type[Event]) -> dict[str, str]:
    """The name under which log lines say what the event is about; bound here so that it leaves with the message."""
    return {contract.about: ""} if contract.about is not None else {}


def _detail(problem: Exception) -> str:
    if isinstance(problem, ValidationError):
        places: list[Any] = [".".join(str(part) for part in error["loc"]) for error in problem.errors()]
        return f"{UNREADABLE}{', '.join(places)}"[:ERROR_CHARACTERS]
    return str(problem)[:ERROR_CHARACTERS]
