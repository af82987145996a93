"""`turnus up`: the embedded servers, all services in this process, the mailbox page, and the demo workspace."""

import asyncio
import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from turnus_runtime.embedded import BROKER, EmbeddedStack
from turnus_runtime.installation import EMBEDDED_BROKER
from turnus_runtime.operations import republish
from turnus_runtime.process import Process, running, stop_asked
from turnus_runtime.service import Service
from turnus_runtime.settings import Settings, env_name, load

log = structlog.get_logger(__name__)

DEMO_FILE = "demo.json"
DEMO_KEPT = "demo.secret"
PATIENCE_TRIES, PATIENCE_SECONDS = 600, 0.1


async def up(
    services: Sequence[Service], stack: EmbeddedStack, given: Mapping[str, Any], tell: Callable[[str], None]
) -> None:
    """Run on this started stack until SIGTERM or SIGINT; `tell` is called once, with the address, when all is ready.

    The broker keeps its topics in memory, so everything is said again at every start and whenever it was restarted.
    """
    try:
        process = _process(services, stack, given)
        url = process.settings.public_url
        async with running(process):
            demo = await _demo(services, process.settings.data_dir, url, process.settings.api_url)
            tell(_welcome(url, demo))

            async def broker_came_up_empty(server: str, empty: bool) -> None:  # noqa: FBT001 - the stack's signature
                if server == BROKER and empty:
                    await _say_again(process)

            stack.on_restarted = broker_came_up_empty
            saying = asyncio.create_task(_say_again(process))
            await stop_asked()
            saying.cancel()
            stack.on_restarted = None
    finally:
        await stack.stop()


async def _say_again(process: Process) -> None:
    for host in process.hosts.values():
        said = await republish(host)
        log.info("republished", service=host.service.name, messages=said.total())


def _process(services: Sequence[Service], stack: EmbeddedStack, given: Mapping[str, Any]) -> Process:
    """The process of all services, told where the embedded servers are."""
    settings, endpoints = load(Settings, **given), stack.endpoints
    port = _port(stack, "http", "http_port", settings.http_port)
    return Process(
        services,
        given={
            **given,
            "mongo_url": endpoints.mongo_url,
            "kafka_url": endpoints.kafka_url,
            "redis_url": endpoints.redis_url,
            "smtp_url": endpoints.smtp_url,
            **EMBEDDED_BROKER,
            "http_port": port,
            "admin_port": _port(stack, "admin", "admin_port", settings.admin_port),
            "demo": settings.demo if _is_set("demo") else True,
            "public_url": settings.public_url if _is_set("public_url") else f"http://127.0.0.1:{port}",
            "api_url": f"http://127.0.0.1:{port}",
            # The pages ask the API over loopback and say for whom; else all guests would count as one.
            **({} if _is_set("trusted_proxies") else {"trusted_proxies": ("127.0.0.1/32",)}),
        },
        mounts={"/mailbox": _mailbox(endpoints.mailbox)},
    )


def _is_set(field: str) -> bool:
    return bool(os.environ.get(env_name(field)))


def _port(stack: EmbeddedStack, name: str, field: str, wanted: int) -> int:
    """The port that was asked for; else the one used before, if it is free, or a new one."""
    if _is_set(field) and wanted:
        return stack.ports.take(name, wanted)
    return stack.ports.take(name)


def _mailbox(store: Any) -> ASGIApp:
    from fastapi import FastAPI  # noqa: PLC0415 - the servers start while Python reads this

    from turnus_runtime.embedded.mailbox_pages import mailbox_router  # noqa: PLC0415

    pages = FastAPI(openapi_url=None)
    pages.include_router(mailbox_router(store))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await pages({**scope, "root_path": ""}, receive, send)

    return app


async def _demo(services: Sequence[Service], data_dir: Path, url: str, api_url: str) -> Mapping[str, Any]:
    """Make the demo workspace once, over the public API; fixed idempotency keys let a broken off start go on."""
    path = data_dir / DEMO_FILE
    if path.exists():
        demo: dict[str, Any] = json.loads(path.read_text())
        if demo["url"] != url:
            demo |= {"url": url, "mailbox_url": f"{url}/mailbox"}
            _write(path, demo)
        return demo
    secret = _kept_secret(data_dir)
    demo = {"url": url, "mailbox_url": f"{url}/mailbox", "_secret": secret}
    headers = {"Prefer": "wait=30"}
    async with httpx.AsyncClient(base_url=api_url, timeout=60, headers=headers, transport=Patient()) as client:
        for service in sorted(services, key=lambda one: one.demo_order):
            if service.demo is not None:
                demo |= await service.demo(client, demo)
    public = {name: value for name, value in demo.items() if not name.startswith("_")}
    _write(path, public)
    return public


class Patient(httpx.AsyncHTTPTransport):
    """Repeats a request that is answered 503: right after the start, a service may not know the first key yet."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(PATIENCE_TRIES):
            answer = await super().handle_async_request(request)
            if answer.status_code != 503:
                return answer
            await answer.aclose()
            await asyncio.sleep(PATIENCE_SECONDS)
        return await super().handle_async_request(request)


def _kept_secret(data_dir: Path) -> str:
    """A password for the demo, kept from the first try on: a start that broke off must know it again."""
    path = data_dir / DEMO_KEPT
    if not path.exists():
        draft = path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(18))
        draft.replace(path)
    return path.read_text()


def _write(path: Path, demo: Mapping[str, Any]) -> None:
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(demo, indent=1, ensure_ascii=False) + "\n")
    draft.replace(path)


def _welcome(url: str, demo: Mapping[str, Any]) -> str:
    calendars = "\n".join(f"  {url}/{address}" for address in demo.get("calendars", []))
    owner: Mapping[str, str] = demo.get("owner", {})
    who = f"  as {owner['email']}, password: {owner['password']}\n" if owner else ""
    return (
        f"Turnus is ready: {url}\nBook here:\n{calendars}\nConsole: {url}/console\n{who}"
        f"Mails: {url}/mailbox\nAPI: {url}/api/docs\n"
    )
