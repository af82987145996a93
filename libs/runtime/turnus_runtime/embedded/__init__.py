"""The embedded stack of `turnus up`: real servers from wheels, as child processes, on this machine only.

Importing this is cheap; the mailbox and its pages (`mailbox`, `mailbox_pages`) are imported when needed, so that
the servers can start while Python still reads them.
"""

from turnus_runtime.embedded.datadir import (
    DataDirectoryInUse,
    Ending,
    Stopped,
    is_running,
    read_pid,
    stop_running,
)
from turnus_runtime.embedded.ports import PortBook, PortInUse
from turnus_runtime.embedded.servers import BROKER, CACHE, STORE, ServerUnavailable
from turnus_runtime.embedded.supervisor import (
    EmbeddedStack,
    Endpoints,
    EventLog,
    Health,
    OnRestarted,
    Options,
    ServerDidNotStart,
)

__all__ = [
    "BROKER",
    "CACHE",
    "STORE",
    "DataDirectoryInUse",
    "EmbeddedStack",
    "Ending",
    "Endpoints",
    "EventLog",
    "Health",
    "OnRestarted",
    "Options",
    "PortBook",
    "PortInUse",
    "ServerDidNotStart",
    "ServerUnavailable",
    "Stopped",
    "is_running",
    "read_pid",
    "stop_running",
]
