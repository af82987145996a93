"""Starts one server so that it cannot outlive the supervisor, not even one killed by SIGKILL.

Run as a script: ``python -I -S guard.py MODE PARENT_PID COMMAND…``. It is a process of its own because the
alternative, code between fork and exec, can deadlock in a program with threads.

- ``kernel`` (Linux): asks the kernel for SIGKILL when the parent dies, then *becomes* the command. The request
  survives exec, and no extra process stays.
- ``pipe`` (everywhere else): stays as the command's parent and kills the whole group once its own standard
  input, which the supervisor holds open, ends.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading

KERNEL = "kernel"
PIPE = "pipe"
PARENT_GONE = 70
"""Exit code when the supervisor had died before the command could be started."""

_PR_SET_PDEATHSIG = 1


def _become(parent: int, command: list[str]) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the request was made, so the kernel will not tell
        sys.exit(PARENT_GONE)
    os.execv(command[0], command)  # noqa: S606 (a shell is not wanted)


def _stay(command: list[str], inherited: tuple[int, ...]) -> None:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=inherited)  # noqa: S603 (from the supervisor)

    def pass_on(number: int, _: object) -> None:
        child.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)

    def kill_when_alone() -> None:
        while os.read(0, 1024):
            pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=kill_when_alone, daemon=True).start()
    code = child.wait()
    # The shell's convention: a child ended by signal n is reported as 128 + n.
    os._exit(code if code >= 0 else 128 - code)


def main() -> None:
    """Read the arguments and start the command; see the module's docstring."""
    mode, parent, lock_fd, *command = sys.argv[1:]
    if mode == KERNEL:
        _become(int(parent), command)
    _stay(command, (int(lock_fd),))


if __name__ == "__main__":
    main()
