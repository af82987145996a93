"""A store on the embedded server, a plain client beside it, and what the store says on the wire."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pymongo import MongoClient, monitoring
from pymongo.collection import Collection

from tests.support.stack import Names
from turnus_runtime.embedded import Endpoints
from turnus_runtime.mongo import MongoStore

C = "things"
INDEXES = ("rank", "name")
NOT_EXPLAINED = {"lsid", "$db", "$clusterTime", "$readPreference", "readConcern", "writeConcern", "ordered"}


class Wire(monitoring.CommandListener):
    """The commands that every client made from now on sends, as pymongo tells them."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.commands.append({"$db": event.database_name, **event.command})

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Only what was said matters."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Only what was said matters."""

    def of(self, verb: str, database: str) -> list[dict[str, Any]]:
        return [command for command in self.commands if verb in command and command["$db"] == database]


@pytest.fixture
def wire() -> Iterator[Wire]:
    listeners = monitoring._LISTENERS.command_listeners
    wire = Wire()
    monitoring.register(wire)
    yield wire
    listeners.remove(wire)


@pytest.fixture
def database(names: Names) -> str:
    return names.database("store")


@pytest.fixture
async def store(wire: Wire, embedded_servers: Endpoints, database: str) -> AsyncIterator[MongoStore]:
    store = MongoStore(embedded_servers.mongo_url, database)
    await store.prepare({C: INDEXES})
    yield store
    await store.close()


@pytest.fixture
def collection(embedded_servers: Endpoints, database: str) -> Iterator[Collection[dict[str, Any]]]:
    """The same documents by a plain client."""
    with MongoClient[dict[str, Any]](embedded_servers.mongo_url, tz_aware=True) as client:
        yield client[database][C]
        client.drop_database(database)


def explained(collection: Collection[dict[str, Any]], command: dict[str, Any]) -> dict[str, Any]:
    """What the server says it examined for one `find`."""
    find = {name: value for name, value in command.items() if name not in NOT_EXPLAINED}
    said = collection.database.command("explain", find, verbosity="executionStats")
    return {
        "keys": said["executionStats"]["totalKeysExamined"],
        "documents": said["executionStats"]["totalDocsExamined"],
        "plan": said["queryPlanner"]["winningPlan"],
    }
