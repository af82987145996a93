from .api import Request, RequestStruct

class OffsetCommitRequest(Request[RequestStruct]):
    DEFAULT_RETENTION_TIME: int
    def __init__(
        self,
        consumer_group: str,
        consumer_group_generation_id: int,
        consumer_id: str,
        retention_time: int,
        topics: list[tuple[str, list[tuple[int, int, str]]]],
    ) -> None: ...
