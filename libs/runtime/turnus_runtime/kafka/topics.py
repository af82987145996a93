"""Topics: which exist, under which id, and how missing ones are made.

aiokafka's own metadata request asks the broker to *make* a topic that it does not know, with the broker's defaults, and
has no switch for it: after a lost broker every topic would come back with the wrong partitions. So the request is bound
to the opposite here, for the whole process.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from functools import partial
from io import BytesIO
from typing import Any, ClassVar
from uuid import UUID

import aiokafka.client
import structlog
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.admin import CreateTopicsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

from turnus_runtime.ports import BrokerUnavailable, TopicSpec

aiokafka.client.MetadataRequest = partial(MetadataRequest, allow_auto_topic_creation=False)

HOUR_MS = 3_600_000
POLL_SECONDS = 0.05
TOPIC_ALREADY_EXISTS = 36

log = structlog.get_logger(__name__)


class Uuid(AbstractType[UUID]):
    """Sixteen bytes, as in KIP-516."""

    @classmethod
    def encode(cls, value: UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        return UUID(bytes=data.read(16))


_TEXT = CompactString("utf-8")


class TopicsResponse(Response):
    """Metadata response, version 12 (Kafka ≥ 3.1, Tansu): the first that names topics by id, without old fields."""

    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT), ("tags", TaggedFields)),
        ),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", _TEXT),
                ("topic_id", Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class TopicsRequest_v12(RequestStruct):  # noqa: N801 (named like the library's)
    API_KEY: ClassVar[int] = 3
    API_VERSION: ClassVar[int] = 12
    FLEXIBLE_VERSION: ClassVar[bool] = True
    RESPONSE_TYPE = TopicsResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", Uuid), ("name", _TEXT), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class TopicsRequest(Request[TopicsRequest_v12]):
    """Asks for all topics."""

    API_KEY = 3

    def build(self, request_struct_class: type[TopicsRequest_v12]) -> TopicsRequest_v12:
        return request_struct_class(None, False, False, {})


class Topics:
    """Asks and makes topics over connections of its own, so that it works whatever state the producer is in."""

    def __init__(self, url: str, *, client_id: str, replication: int, timeout_seconds: float) -> None:
        self._url = url
        self._client_id = client_id
        self._replication = replication
        self._timeout = timeout_seconds

    async def ids(self) -> Mapping[str, str]:
        """Name -> id of every topic that is not internal to the broker."""
        async with self._client() as client:
            return {topic["name"]: str(topic["topic_id"]) for topic in await _topics(client)}

    async def provision(self, specs: Sequence[TopicSpec]) -> list[str]:
        """Make what is missing, wait until all of `specs` can be used; the names of those that this call made.

        Idempotent, and several processes may do it at once. A topic that exists stays as it is.
        """
        async with self._client() as client:
            existing = {topic["name"]: topic for topic in await _topics(client)}
            for spec in specs:
                if (topic := existing.get(spec.name)) and len(topic["partitions"]) != spec.partitions:
                    log.warning("topic_has_other_partitions", topic=spec.name, found=len(topic["partitions"]))
            made = await self._create(client, [spec for spec in specs if spec.name not in existing])
            await _usable(client, {spec.name for spec in specs})
            return made

    async def _create(self, client: AIOKafkaClient, specs: Sequence[TopicSpec]) -> list[str]:
        if not specs:
            return []
        no_replicas_by_hand: list[tuple[int, list[int]]] = []
        wanted = [(spec.name, spec.partitions, self._replication, no_replicas_by_hand, configs(spec)) for spec in specs]
        request = CreateTopicsRequest(wanted, int(self._timeout * 1000), False)
        response = await client.send(client.get_random_node(), request)
        made: list[str] = []
        for topic in response.to_object()["topic_errors"]:
            if not topic["error_code"]:
                made.append(topic["topic"])
            elif topic["error_code"] != TOPIC_ALREADY_EXISTS:
                raise for_code(topic["error_code"])(f"{topic['topic']}: {topic.get('error_message')}")
        return made

    @contextlib.asynccontextmanager
    async def _client(self) -> AsyncGenerator[AIOKafkaClient]:
        client = AIOKafkaClient(
            bootstrap_servers=self._url,
            client_id=f"{self._client_id}-topics",
            request_timeout_ms=int(self._timeout * 1000),
        )
        try:
            async with asyncio.timeout(self._timeout):
                await client.bootstrap()
                yield client
        except (KafkaError, OSError, TimeoutError) as problem:
            raise BrokerUnavailable(f"topics: {type(problem).__name__}: {problem}") from problem
        finally:
            await client.close()


def configs(spec: TopicSpec) -> list[tuple[str, str]]:
    """The broker's settings of a topic. Retention is always said: Kafka's own default forgets after seven days."""
    retention = -1 if spec.retention_hours is None else spec.retention_hours * HOUR_MS
    policy = "compact" if spec.compacted else "delete"
    return [("cleanup.policy", policy), *([] if spec.compacted else [("retention.ms", str(retention))])]


async def _topics(client: AIOKafkaClient) -> list[dict[str, Any]]:
    response = await client.send(client.get_random_node(), TopicsRequest())
    topics: list[dict[str, Any]] = response.to_object()["topics"]
    return [topic for topic in topics if not topic["error_code"] and not topic["is_internal"]]


async def _usable(client: AIOKafkaClient, names: Collection[str]) -> None:
    """Return when every partition of these topics has a leader; the caller bounds the wait."""
    while True:
        topics = await _topics(client)
        ready = {topic["name"] for topic in topics if all(each["leader"] >= 0 for each in topic["partitions"])}
        if ready >= set(names):
            return
        await asyncio.sleep(POLL_SECONDS)
