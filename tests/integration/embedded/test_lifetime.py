"""Starting, stopping, and that nothing is ever left running."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.stack import is_alive, until
from turnus_runtime.embedded import (
    DataDirectoryInUse,
    EmbeddedStack,
    Ending,
    Options,
    PortInUse,
    ServerUnavailable,
    guard,
    is_running,
    read_pid,
    stop_running,
)
from turnus_runtime.embedded.datadir import DataDirectory
from turnus_runtime.embedded.process import ServerProcess

SCRIPT = Path(__file__).with_name("run_stack.py")
Supervisor = tuple[asyncio.subprocess.Process, dict[str, Any]]
RunSupervisor = Callable[..., Awaitable[Supervisor]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
async def supervisor(data: Path) -> AsyncIterator[RunSupervisor]:
    """Runs supervisors of `data`, each a process of its own; kills what is left of them in the end."""
    started: list[asyncio.subprocess.Process] = []

    async def run(*arguments: str) -> Supervisor:
        process = await asyncio.create_subprocess_exec(
            sys.executable, SCRIPT, data, *arguments, stdout=subprocess.PIPE, env={"PYTHONPATH": ":".join(sys.path)}
        )
        started.append(process)
        assert process.stdout is not None
        return process, json.loads(await process.stdout.readline())

    yield run
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_after_a_stop_no_server_runs_and_the_directory_is_free(data: Path) -> None:
    stack = EmbeddedStack(data)
    await stack.start()
    pids = [health.pid for health in stack.health.values()]
    assert len(pids) == 3
    assert all(map(is_alive, pids))
    assert read_pid(data) == os.getpid()

    await stack.stop()

    assert not any(map(is_alive, pids))
    assert not is_running(data)
    assert read_pid(data) is None


async def test_a_second_start_on_the_same_directory_is_refused_and_says_who_has_it(data: Path) -> None:
    async with EmbeddedStack(data) as first:
        with pytest.raises(DataDirectoryInUse, match=rf"process {os.getpid()}\).*turnus down"):
            await EmbeddedStack(data).start()
        assert all(is_alive(health.pid) for health in first.health.values())
        assert read_pid(data) == os.getpid()


async def test_a_second_start_from_another_process_is_refused_too(data: Path) -> None:
    async with EmbeddedStack(data):
        second = await asyncio.create_subprocess_exec(
            sys.executable, SCRIPT, data, stderr=subprocess.PIPE, env={"PYTHONPATH": ":".join(sys.path)}
        )
        _, error = await second.communicate()
    assert second.returncode == 1
    assert f"DataDirectoryInUse: {data} is in use by another `turnus up` (process {os.getpid()})" in error.decode()


async def test_killing_the_supervisor_ends_every_server_and_the_next_start_takes_over(
    data: Path, supervisor: RunSupervisor
) -> None:
    process, said = await supervisor()
    assert all(map(is_alive, said["pids"].values()))

    process.kill()
    await process.wait()

    await until(lambda: not any(map(is_alive, said["pids"].values())), "all servers have ended")
    assert read_pid(data) == process.pid  # stale, and no obstacle:
    async with EmbeddedStack(data) as stack:
        assert stack.endpoints.mongo_url == said["mongo_url"]
        assert stack.endpoints.kafka_url == said["kafka_url"]
        assert stack.endpoints.smtp_url == said["smtp_url"]


async def test_turnus_down_stops_a_running_supervisor_and_everything_it_started(
    data: Path, supervisor: RunSupervisor
) -> None:
    process, said = await supervisor()

    stopped = await asyncio.to_thread(stop_running, data)

    assert (stopped.how, stopped.pid) == (Ending.STOPPED, process.pid)
    assert not any(map(is_alive, said["pids"].values()))
    assert not is_running(data)
    assert await process.wait() == 0


async def test_turnus_down_kills_a_supervisor_that_does_not_stop(data: Path, supervisor: RunSupervisor) -> None:
    process, said = await supervisor("deaf")

    stopped = await asyncio.to_thread(stop_running, data, 0.3)

    assert (stopped.how, stopped.pid) == (Ending.KILLED, process.pid)
    assert not any(map(is_alive, said["pids"].values()))
    assert read_pid(data) is None


async def test_turnus_down_signals_nobody_when_the_pid_file_is_stale(data: Path) -> None:
    stranger = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=subprocess.PIPE)
    data.mkdir()
    (data / "turnus.lock").touch()
    (data / "turnus.pid").write_text(f"{stranger.pid}\n")

    assert stop_running(data).how is Ending.NOT_RUNNING

    assert stranger.returncode is None
    assert read_pid(data) is None
    await stranger.communicate(b"\n")
    assert stranger.returncode == 0  # not -SIGTERM


async def test_a_failed_start_leaves_nothing_running(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALF_TANSU_BIN", str(data / "missing"))  # the store is started before the broker
    with pytest.raises(ServerUnavailable, match="CALF_TANSU_BIN"):
        await EmbeddedStack(data).start()
    assert not is_running(data)

    monkeypatch.setenv("CALF_TANSU_BIN", "/bin/false")
    with pytest.raises(Exception, match=r"broker did not start \(exit code 1\): see .*broker\.log"):
        await EmbeddedStack(data).start()
    assert not is_running(data)


async def test_a_port_that_was_set_and_is_taken_is_an_error(data: Path) -> None:
    listener = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener:
        with pytest.raises(PortInUse, match=str(port)):
            await EmbeddedStack(data, Options(broker_port=port)).start()
    assert not is_running(data)


async def test_a_remembered_port_that_is_taken_is_replaced(data: Path) -> None:
    async with EmbeddedStack(data) as stack:
        before = stack.endpoints
    port = int(before.kafka_url.rpartition(":")[2])
    listener = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)
    async with listener, EmbeddedStack(data) as stack:
        after = stack.endpoints
    assert after.kafka_url != before.kafka_url
    assert (after.mongo_url, after.smtp_url) == (before.mongo_url, before.smtp_url)


async def test_the_data_directory_is_closed_to_others_and_nothing_is_copied_into_the_home_folder(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    data.mkdir(mode=0o755)
    async with EmbeddedStack(data):
        assert data.stat().st_mode & 0o777 == 0o700
    assert list(home.iterdir()) == []


async def test_a_server_gets_nothing_of_our_environment(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNUS_SECRET", "hunter2")
    monkeypatch.setenv("STORAGE_ENGINE", "s3://elsewhere/")  # the broker would take it as a setting
    directory = DataDirectory(data)
    await directory.hold()
    log = data / "logs" / "env.log"
    process = ServerProcess(("/usr/bin/env",), log=log, home=data, lock_fd=directory.servers_lock)
    await process.exited.wait()
    directory.release()
    found = {line.partition("=")[0] for line in log.read_text().splitlines()}
    assert found - {"LC_CTYPE", "__CF_USER_TEXT_ENCODING"} == {"PATH", "HOME", "NO_COLOR", "LC_ALL"}


async def test_a_path_too_long_for_a_socket_gets_the_cache_a_port(tmp_path: Path) -> None:
    async with EmbeddedStack(tmp_path / ("long" * 30)) as stack:
        assert stack.endpoints.redis_url.startswith("redis://127.0.0.1:")


@pytest.mark.parametrize("watch", [guard.KERNEL, guard.PIPE] if sys.platform == "linux" else [guard.PIPE])
async def test_a_guarded_process_ends_with_the_one_that_started_it(watch: str, data: Path) -> None:
    script = (
        "import asyncio, os, sys, pathlib\n"
        "from turnus_runtime.embedded.process import ServerProcess\n"
        "async def main():\n"
        "    folder = pathlib.Path(sys.argv[1])\n"
        "    lock = os.open(folder / 'lock', os.O_CREAT | os.O_RDWR)\n"
        "    wait = 'import os, signal; print(os.getpid(), flush=True); signal.pause()'\n"
        "    command = (sys.executable, '-c', wait)\n"
        "    process = ServerProcess(command, log=folder / 'log', home=folder, lock_fd=lock, watch=sys.argv[2])\n"
        "    await process.exited.wait()\n"
        "asyncio.run(main())\n"
    )
    data.mkdir()
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, data, watch, env={"PYTHONPATH": ":".join(sys.path)}
    )
    log = data / "log"
    await until(lambda: log.exists() and log.read_text().endswith("\n"), "the guarded process runs")
    pid = int(log.read_text())
    assert is_alive(pid)

    parent.kill()
    await parent.wait()

    try:
        await until(lambda: not is_alive(pid), "the guarded process has ended", seconds=10)
    finally:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)


async def test_a_guarded_process_that_ignores_sigterm_is_killed(data: Path) -> None:
    directory = DataDirectory(data)
    await directory.hold()
    log = data / "logs" / "stubborn.log"
    deaf = "import signal; signal.signal(15, signal.SIG_IGN); print(1, flush=True); signal.pause()"
    command = (sys.executable, "-c", deaf)
    process = ServerProcess(command, log=log, home=data, lock_fd=directory.servers_lock)
    await until(lambda: log.read_text() == "1\n", "it ignores SIGTERM by now")

    await process.stop(grace_seconds=0.1)

    assert process.returncode == -signal.SIGKILL
    directory.release()
    assert not is_running(data)
