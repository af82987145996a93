from typing import Any

from aiokafka.structs import OffsetAndMetadata, TopicPartition

from .config_resource import ConfigResource
from .new_partitions import NewPartitions
from .new_topic import NewTopic

class CreateTopicsResponse:
    # (topic, error code, message): the version that the broker speaks decides whether the message is there
    topic_errors: list[tuple[str, int] | tuple[str, int, str | None]]

class AIOKafkaAdminClient:
    def __init__(
        self,
        *,
        bootstrap_servers: str | list[str] = ...,
        client_id: str = ...,
        request_timeout_ms: int = 40000,
        retry_backoff_ms: int = 100,
        metadata_max_age_ms: int = 300000,
        security_protocol: str = "PLAINTEXT",
        ssl_context: Any = None,
        sasl_mechanism: str = "PLAIN",
        sasl_plain_username: str | None = None,
        sasl_plain_password: str | None = None,
    ) -> None: ...
    async def start(self) -> None: ...
    async def close(self) -> None: ...
    async def create_topics(
        self, new_topics: list[NewTopic], timeout_ms: int | None = None, validate_only: bool = False
    ) -> CreateTopicsResponse: ...
    async def delete_topics(self, topics: list[str], timeout_ms: int | None = None) -> Any: ...
    async def list_topics(self) -> list[str]: ...
    async def describe_topics(self, topics: list[str] | None = None) -> list[dict[str, Any]]: ...
    async def describe_cluster(self) -> dict[str, Any]: ...
    async def describe_configs(
        self, config_resources: list[ConfigResource], include_synonyms: bool = False
    ) -> list[Any]: ...
    async def alter_configs(self, config_resources: list[ConfigResource]) -> list[Any]: ...
    async def create_partitions(
        self, topic_partitions: dict[str, NewPartitions], timeout_ms: int | None = None, validate_only: bool = False
    ) -> Any: ...
    async def list_consumer_groups(self, broker_ids: list[int] | None = None) -> list[tuple[Any, ...]]: ...
    async def list_consumer_group_offsets(
        self,
        group_id: str,
        group_coordinator_id: int | None = None,
        partitions: list[TopicPartition] | None = None,
    ) -> dict[TopicPartition, OffsetAndMetadata]: ...
