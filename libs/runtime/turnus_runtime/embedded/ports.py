"""Ports on 127.0.0.1, chosen once and remembered, so that addresses stay the same over restarts."""

import json
import random
import socket
from pathlib import Path
from typing import cast

_FIRST = 15_000
_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_TRIES = 200


class PortInUse(Exception):
    """The port asked for is taken by another process."""

    def __init__(self, name: str, port: int) -> None:
        super().__init__(f"port {port} on 127.0.0.1, set for the embedded {name}, is in use: set another, or none")


class PortBook:
    """The ports of one data directory, kept in `path` (JSON: name to port).

    Chosen ports lie *below* the range from which the system takes the local ports of outgoing connections:
    otherwise a client that keeps trying to reach a stopped server may be given the server's own port, connect
    to itself and keep the server from coming back.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ports = _read(path)

    def take(self, name: str, wanted: int | None = None) -> int:
        """The port for `name`: `wanted` if given, else the remembered one if it is free, else a new one.

        Raises `PortInUse` if `wanted` is taken. What was chosen is on disk when this returns.
        """
        if wanted is not None:
            if not is_free(wanted):
                raise PortInUse(name, wanted)
            return wanted
        port = self._ports.get(name)
        if port is None or not is_free(port):
            self._remember(name, self._choose())
        return self._ports[name]

    def forget(self, name: str) -> None:
        """The next `take` of `name` chooses anew."""
        self._ports.pop(name, None)

    def _choose(self) -> int:
        candidates = range(_FIRST, _first_ephemeral())
        taken = set(self._ports.values())
        for port in random.sample(candidates, _TRIES):
            if port not in taken and is_free(port):
                return port
        raise OSError(f"no free port on 127.0.0.1 among {_TRIES} tried")

    def _remember(self, name: str, port: int) -> None:
        self._ports[name] = port
        written = self._path.with_suffix(".new")
        written.write_text(json.dumps(self._ports, indent=1, sort_keys=True) + "\n")
        written.replace(self._path)


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:`port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: TIME_WAIT does not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _first_ephemeral() -> int:
    try:
        first = int(_EPHEMERAL_RANGE.read_text().split()[0])
    except (OSError, ValueError):
        first = 32_768  # other systems start higher (49,152)
    # A machine configured to hand out nearly all ports leaves nothing below: then anything goes.
    return first if first > _FIRST + 2 * _TRIES else 32_768


def _read(path: Path) -> dict[str, int]:
    try:
        found: object = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):  # a damaged file costs only the old addresses
        return {}
    if not isinstance(found, dict):
        return {}
    entries = cast("dict[object, object]", found)
    return {k: v for k, v in entries.items() if isinstance(k, str) and isinstance(v, int)}
