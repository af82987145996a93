from typing import Any

from .api import Request, RequestStruct

class CreateTopicsRequest(Request[RequestStruct]):
    def __init__(self, create_topic_requests: list[Any], timeout: int | None, validate_only: bool) -> None: ...
