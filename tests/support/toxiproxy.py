"""toxiproxy: a process between services and servers that delays, cuts, resets or swallows what they say.

Built once with Go (version and checksums in `tests/support/toxiproxy`) into `TURNUS_TEST_TOOLS`, by default
`~/.cache/turnus`.
"""

import asyncio
import contextlib
import fcntl
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx

from tests.support.processes import free_port

MODULE = Path(__file__).parent / "toxiproxy"
PROGRAM = "github.com/Shopify/toxiproxy/v2/cmd/server"
NAME = "toxiproxy-2.5.0"
HOST = "127.0.0.1"


def toxiproxy_binary() -> Path:
    """The program, built when it is not there."""
    folder = Path(os.environ.get("TURNUS_TEST_TOOLS") or Path.home() / ".cache" / "turnus")
    folder.mkdir(parents=True, exist_ok=True)
    binary = folder / NAME
    with (folder / f"{NAME}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            built = folder / f"{NAME}.new"
            command = ["go", "build", "-buildvcs=false", "-o", str(built), PROGRAM]
            environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
            done = subprocess.run(
                command, cwd=MODULE, env=environment, capture_output=True, text=True, check=False, timeout=600
            )
            if done.returncode:
                raise RuntimeError(f"toxiproxy could not be built:\n{done.stderr[-2000:]}")
            built.replace(binary)
    return binary


class Toxiproxy:
    """One toxiproxy with any number of proxies, each named."""

    def __init__(self) -> None:
        self._port = free_port()
        self._process: asyncio.subprocess.Process | None = None
        self._client = httpx.AsyncClient(base_url=f"http://{HOST}:{self._port}", timeout=10)

    async def start(self) -> None:
        binary = await asyncio.to_thread(toxiproxy_binary)
        self._process = await asyncio.create_subprocess_exec(
            str(binary),
            *("-host", HOST, "-port", str(self._port)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        for _ in range(600):
            with contextlib.suppress(httpx.TransportError):
                await self._client.get("/version")
                return
            await asyncio.sleep(0.05)
        raise RuntimeError("toxiproxy does not listen")

    async def stop(self) -> None:
        await self._client.aclose()
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def proxy(self, name: str, upstream: int) -> int:
        """A new proxy to a port of this machine; the port it listens on."""
        made = await self._call(
            "POST", "/proxies", {"name": name, "listen": f"{HOST}:{free_port()}", "upstream": f"{HOST}:{upstream}"}
        )
        return int(made["listen"].rpartition(":")[2])

    async def cut(self, name: str) -> None:
        """End all connections and refuse new ones."""
        await self._call("POST", f"/proxies/{name}", {"enabled": False})

    async def mend(self, name: str) -> None:
        """Let everything through again, as it is."""
        proxy = await self._call("GET", f"/proxies/{name}")
        for toxic in proxy["toxics"]:
            await self._call("DELETE", f"/proxies/{name}/toxics/{toxic['name']}")
        await self._call("POST", f"/proxies/{name}", {"enabled": True})

    async def poison(self, name: str, kind: str, **attributes: int) -> None:
        """A toxic in both directions: `latency` (latency, jitter: ms), `timeout` (0: data vanishes), `reset_peer`."""
        for stream in ("upstream", "downstream"):
            told = {"type": kind, "stream": stream, "name": f"{kind}_{stream}", "attributes": attributes}
            await self._call("POST", f"/proxies/{name}/toxics", told)

    async def _call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = await self._client.request(method, path, json=body)
        answer.raise_for_status()
        return dict(answer.json()) if answer.content else {}
