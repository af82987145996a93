"""What every service with resources has besides what its table says: it knows who asks, and it tells how it is."""

from dataclasses import replace

from fastapi import APIRouter

from turnus_contracts import ChangeRecorded
from turnus_runtime.credentials import with_credentials
from turnus_runtime.http.operations import operations_routes
from turnus_runtime.letterbox import FiledLetter, ReadUpTo
from turnus_runtime.service import Service


def equipped(service: Service) -> Service:
    """The service as it runs. Idempotent."""
    return with_operations(with_credentials(service))


def with_operations(service: Service) -> Service:
    """The service with the resource `operations/<name>`, if it has any; that replays are audited. Idempotent."""
    resource = f"operations/{service.name}"
    if not service.resources or resource in service.resources:
        return service
    routes = APIRouter()
    if service.routes is not None:
        routes.include_router(service.routes)
    routes.include_router(operations_routes(service.name))
    return replace(
        service,
        records=(*service.records, FiledLetter, ReadUpTo),
        publishes=tuple(dict.fromkeys((*service.publishes, ChangeRecorded))),
        resources=(*service.resources, resource),
        routes=routes,
    )
