"""What this machine is, and what its processes use (`/proc`; zeros where there is none)."""

import os
import platform
import resource
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.load.figures import Used

IDLE = (3, 4, 7)
"""Columns of `/proc/stat` that are no work of this machine: idle, waiting for a disk, stolen by another one."""
TICKS = os.sysconf("SC_CLK_TCK")


def described() -> dict[str, Any]:
    """What the figures were measured on."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": os.cpu_count(),
        "cpu": _model(),
        "memory_gib": round(pages * size / 2**30, 1),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load": round(os.getloadavg()[0], 2),
    }


class Meter:
    """CPU of these processes from now until `read`, and of the whole machine.

    This process counts as `mail server`, those that it has started and waited for as `guests`.
    """

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._began = time.perf_counter()
        self._before = self._now()

    def read(self) -> Used:
        """What was used since the beginning."""
        now = self._now()
        used = {name: now[name] - self._before[name] for name in now}
        return Used(time.perf_counter() - self._began, used, used.pop("busy"))

    def _now(self) -> dict[str, float]:
        waited = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {
            **{name: cpu_seconds(pid) for name, pid in self._pids.items()},
            "mail server": time.process_time(),
            "guests": waited.ru_utime + waited.ru_stime,
            "busy": _busy_seconds(),
        }


def cpu_seconds(pid: int) -> float:
    """What a process has used so far; 0.0 where the system does not say or it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def children(pid: int) -> dict[str, int]:
    """The children of a process by the file that each runs."""
    found: dict[str, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found[(folder / "exe").readlink().name] = int(folder.name)
        except (OSError, IndexError, ValueError):
            continue  # it has ended
    return found


def _busy_seconds() -> float:
    """Of all cores together."""
    try:
        columns = [int(one) for one in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    except OSError:
        return 0.0
    return sum(ticks for place, ticks in enumerate(columns) if place not in IDLE) / TICKS


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
