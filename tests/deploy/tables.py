"""The Service tables, as every deployment file must agree with them."""

from importlib.metadata import entry_points

from turnus_runtime.http.equipment import equipped
from turnus_runtime.service import Service


def services() -> dict[str, Service]:
    """Every service of the product by name, as it runs."""
    return {entry.name: equipped(entry.load()) for entry in entry_points(group="turnus.services")}


def roles(service: Service) -> set[str]:
    """The roles in which a process of this service has something to do."""
    return {
        role
        for role, has_work in {
            "http": service.routes is not None,
            "consume": bool(service.consumes),
            "jobs": bool(service.records),
        }.items()
        if has_work
    }
