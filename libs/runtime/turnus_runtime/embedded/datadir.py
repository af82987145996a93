"""The data directory: its layout, and that only one supervisor uses it at a time.

::

    store/  mailbox/  logs/  ports.json  turnus.pid
    turnus.lock    held by the supervisor
    servers.lock   taken by the supervisor, inherited by its servers: free only when none of them lives
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

_DYING_SECONDS = 5.0
"""How long a start waits for the servers of a supervisor that has just been killed."""
_POLL_SECONDS = 0.02
_LOCK_TRIES = 3
"""Somebody who only asks whether the directory is in use holds its lock for some microseconds."""


class DataDirectoryInUse(Exception):
    """Another `turnus up` (or what is left of one) uses the data directory. The message says what to do."""


class DataDirectory:
    """A data directory (mode 0700) that can be held by one supervisor."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.store = self.path / "store"
        self.mailbox = self.path / "mailbox"
        self.logs = self.path / "logs"
        self.ports = self.path / "ports.json"
        self.pid_file = self.path / "turnus.pid"
        self._lock: int | None = None
        self._servers_lock: int | None = None

    @property
    def servers_lock(self) -> int:
        """The descriptor that every server inherits. Only while held."""
        if self._servers_lock is None:
            raise RuntimeError("the data directory is not held")
        return self._servers_lock

    async def hold(self) -> None:
        """Make the directory and take it; raises `DataDirectoryInUse`.

        Does not yield to other tasks unless somebody else holds it, or did a moment ago.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o700)
        for _ in range(_LOCK_TRIES):
            self._lock = _try_lock(self.path / "turnus.lock")
            if self._lock is not None:
                break
            await asyncio.sleep(_POLL_SECONDS)
        else:
            raise DataDirectoryInUse(self._in_use_message())
        try:
            self.pid_file.write_text(f"{os.getpid()}\n")  # overwrites what a killed supervisor left
            await self._hold_servers_lock()
            for folder in (self.store, self.mailbox, self.logs):
                folder.mkdir(exist_ok=True)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Give the directory back; harmless when it is not held."""
        if self._lock is None:
            return
        self.pid_file.unlink(missing_ok=True)
        if self._servers_lock is not None:
            os.close(self._servers_lock)
        os.close(self._lock)
        self._lock = self._servers_lock = None

    async def _hold_servers_lock(self) -> None:
        deadline = time.monotonic() + _DYING_SECONDS
        while (lock := _try_lock(self.path / "servers.lock")) is None:
            if time.monotonic() > deadline:
                raise DataDirectoryInUse(
                    f"servers of an earlier `turnus up` on {self.path} are still running although it has ended; "
                    "end them (they have this directory in their command line) and start again"
                )
            await asyncio.sleep(_POLL_SECONDS)
        self._servers_lock = lock

    def _in_use_message(self) -> str:
        pid = read_pid(self.path)
        process = f"process {pid}" if pid is not None else "a process that is just starting or ending"
        return (
            f"{self.path} is in use by another `turnus up` ({process}): use that one, stop it with "
            "`turnus down` (or `make down`), or start this one on another data directory"
        )


class Ending(Enum):
    """What `stop_running` found and did."""

    NOT_RUNNING = "not running"
    STOPPED = "stopped"
    KILLED = "killed"


@dataclass(frozen=True)
class Stopped:
    """Outcome of `stop_running`; `pid` is None if nothing was running."""

    how: Ending
    pid: int | None

    def __str__(self) -> str:
        """A sentence for the terminal."""
        match self.how:
            case Ending.NOT_RUNNING:
                return "Turnus was not running."
            case Ending.STOPPED:
                return f"Turnus (process {self.pid}) has stopped."
            case Ending.KILLED:
                return f"Turnus (process {self.pid}) did not stop in time and was killed; nothing is left running."


def read_pid(data_dir: Path) -> int | None:
    """The pid in ``turnus.pid``; None if there is none. It may be stale: only the lock says who runs."""
    try:
        return int((data_dir / "turnus.pid").read_text())
    except (FileNotFoundError, ValueError):
        return None


def is_running(data_dir: Path) -> bool:
    """Whether a supervisor, or a server that it left, uses `data_dir` now. Changes nothing."""
    return not (_is_free(data_dir / "turnus.lock") and _is_free(data_dir / "servers.lock"))


def stop_running(data_dir: Path, grace_seconds: float = 20.0) -> Stopped:
    """Stop the supervisor of `data_dir`: SIGTERM, and SIGKILL after `grace_seconds`. Blocks until nothing runs.

    A pid file whose process holds no lock is stale and is removed: that pid may belong to anybody by now.
    Raises `DataDirectoryInUse` if something holds the directory that cannot be stopped from here.
    """
    lock = data_dir / "turnus.lock"
    pid = read_pid(data_dir)
    if _is_free(lock):
        (data_dir / "turnus.pid").unlink(missing_ok=True)
        _wait_until_free(data_dir, _DYING_SECONDS)
        return Stopped(Ending.NOT_RUNNING, None)
    if pid is None:
        raise DataDirectoryInUse(f"{data_dir} is held by a process that is just starting or ending: try again")
    how = Ending.STOPPED
    _send(pid, signal.SIGTERM)
    if not _becomes_free(lock, grace_seconds):
        how = Ending.KILLED
        _send(pid, signal.SIGKILL)
    _wait_until_free(data_dir, _DYING_SECONDS)
    (data_dir / "turnus.pid").unlink(missing_ok=True)
    return Stopped(how, pid)


def _wait_until_free(data_dir: Path, seconds: float) -> None:
    for name in ("turnus.lock", "servers.lock"):
        if not _becomes_free(data_dir / name, seconds):
            raise DataDirectoryInUse(f"{data_dir} is still in use after {seconds:.0f} s: see {name} there")


def _becomes_free(lock: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not _is_free(lock):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _is_free(path: Path) -> bool:
    if not path.exists():
        return True
    lock = _try_lock(path)
    if lock is not None:
        os.close(lock)
    return lock is not None


def _try_lock(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
