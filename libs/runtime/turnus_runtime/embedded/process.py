"""One server process: started through the guard, its output kept in a bounded log, its end noticed."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

from turnus_runtime.embedded import guard

LOG_BYTES = 2 * 1024 * 1024
"""Size at which a server's log moves to ``NAME.log.1``; so a server's logs never take more than twice this."""

_KILL_GRACE_SECONDS = 5.0


class BoundedLog:
    """A log file that moves aside to ``….1`` at `limit` bytes. Used by one thread at a time."""

    def __init__(self, path: Path, limit: int = LOG_BYTES) -> None:
        self._path = path
        self._limit = limit
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = path.open("ab")

    def write(self, chunk: bytes) -> None:
        """Append `chunk`, first moving a full file aside."""
        if self._file.tell() + len(chunk) > self._limit and self._file.tell() > 0:
            self._file.close()
            self._path.replace(self._path.with_name(self._path.name + ".1"))
            self._file = self._path.open("ab")
        self._file.write(chunk)
        self._file.flush()

    def close(self) -> None:
        """Close the file; nothing can be written after it."""
        self._file.close()


class ServerProcess:
    """A running server in its own process group.

    It must be created on the event loop of a thread that lives as long as the server should: the kernel's
    death signal belongs to the *thread* that started the process.

    `lock_fd` is inherited by the server: a lock on it stays taken for as long as the server lives. `said` becomes
    set once the server has printed `says`.
    """

    def __init__(
        self,
        command: tuple[str, ...],
        *,
        log: Path,
        home: Path,
        lock_fd: int,
        says: bytes = b"",
        watch: str | None = None,
    ) -> None:
        self.exited = asyncio.Event()
        self.said = threading.Event()
        self._says = says
        mode = watch or (guard.KERNEL if sys.platform == "linux" else guard.PIPE)
        self._popen = subprocess.Popen(  # noqa: S603 (commands are from `servers`)
            [sys.executable, "-I", "-S", guard.__file__, mode, str(os.getpid()), str(lock_fd), *command],
            stdin=subprocess.PIPE if mode == guard.PIPE else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=home,
            # Nothing of our environment: the servers read settings from it, and it holds secrets. HOME is the
            # data directory, so that no configuration file in the user's home changes how they run.
            env={"PATH": os.defpath, "HOME": str(home), "NO_COLOR": "1", "LC_ALL": "C"},
            start_new_session=True,
            pass_fds=(lock_fd,),
        )
        self._pump = threading.Thread(
            target=self._pump_output, args=(BoundedLog(log), asyncio.get_running_loop()), daemon=True
        )
        self._pump.start()

    @property
    def pid(self) -> int:
        """Process id, which is also the id of the server's process group."""
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """As in `subprocess`: None while it runs, minus the signal's number if one ended it."""
        return self._popen.poll()

    def terminate(self) -> None:
        """Ask it to end (SIGTERM); does not wait."""
        self._signal(signal.SIGTERM)

    async def stop(self, grace_seconds: float = _KILL_GRACE_SECONDS) -> None:
        """End it: SIGTERM, and SIGKILL to the whole group after `grace_seconds`. Returns when it is gone."""
        self.terminate()
        try:
            await asyncio.wait_for(self.exited.wait(), grace_seconds)
        except TimeoutError:
            self.kill()
            await self.exited.wait()

    def kill(self) -> None:
        """SIGKILL to the whole group."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self._popen.poll() is None:  # not reaped yet, so the id is still ours
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._popen.pid, number)

    def _look(self, output: bytes) -> bytes:
        """Look for `says`; returns the end of `output` that may be its beginning."""
        if self._says in output:
            self.said.set()
        return b"" if self.said.is_set() else output[-len(self._says) :]

    def _pump_output(self, log: BoundedLog, loop: asyncio.AbstractEventLoop) -> None:
        output = self._popen.stdout
        if output is None:
            raise RuntimeError("a server is started with its output piped")
        seen = b""
        with contextlib.closing(log), output:
            while chunk := os.read(output.fileno(), 65536):
                log.write(chunk)
                seen = self._look(seen + chunk)
        self._popen.wait()
        if self._popen.stdin is not None:
            self._popen.stdin.close()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            loop.call_soon_threadsafe(self.exited.set)


def resident_bytes(pid: int) -> int:
    """Memory that the server of process group `pid` holds resident; 0 when it is gone."""
    if sys.platform == "linux":
        try:
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE")
    command = ["/bin/ps", "-A", "-o", "pgid=,rss="]
    return group_bytes(subprocess.run(command, capture_output=True, text=True, check=True).stdout, pid)  # noqa: S603


def group_bytes(table: str, group: int) -> int:
    """Sum of the second column (KiB) of ``ps -o pgid=,rss=`` over the rows of process group `group`, in bytes."""
    rows = (line.split() for line in table.splitlines())
    return sum(int(row[1]) * 1024 for row in rows if len(row) == 2 and int(row[0]) == group)
