import asyncio
from collections.abc import Callable
from typing import Any

from .cluster import ClusterMetadata
from .protocol.api import Request, RequestStruct, Response

MetadataRequest: Callable[..., Any]

class AIOKafkaClient:
    cluster: ClusterMetadata
    def __init__(
        self,
        *,
        bootstrap_servers: str | list[str] = ...,
        client_id: str = ...,
        metadata_max_age_ms: int = ...,
        request_timeout_ms: int = ...,
        retry_backoff_ms: int = ...,
    ) -> None: ...
    async def bootstrap(self) -> None: ...
    async def close(self) -> None: ...
    def add_topic(self, topic: str) -> asyncio.Future[bool]: ...
    def force_metadata_update(self) -> asyncio.Future[bool]: ...
    async def fetch_all_metadata(self) -> ClusterMetadata: ...
    def get_random_node(self) -> int | None: ...
    async def send(self, node_id: int | None, request: Request[RequestStruct]) -> Response: ...
