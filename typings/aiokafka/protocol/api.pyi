from typing import Any, ClassVar, Generic, TypeVar

from .types import Schema

class Response:
    API_KEY: ClassVar[int]
    API_VERSION: ClassVar[int]
    SCHEMA: ClassVar[Schema]
    def to_object(self) -> dict[str, Any]: ...

class RequestStruct:
    API_KEY: ClassVar[int]
    API_VERSION: ClassVar[int]
    FLEXIBLE_VERSION: ClassVar[bool]
    RESPONSE_TYPE: ClassVar[type[Response]]
    SCHEMA: ClassVar[Schema]
    def __init__(self, *values: Any) -> None: ...

T_co = TypeVar("T_co", bound=RequestStruct, covariant=True)

class Request(Generic[T_co]):
    API_KEY: ClassVar[int]
