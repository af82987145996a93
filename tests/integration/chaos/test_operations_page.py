"""The console's operations page while one service is killed: every service is a process of its own here."""

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.web.routes.console.desk import COOKIE
from tests.support.cluster import SERVICES, Cluster
from tests.support.processes import free_port
from tests.support.system import System, eventually
from tests.support.workload import sign_up
from turnus_runtime.embedded import Endpoints
from turnus_runtime.listening import listening


class Gateway:
    """Sends a request to whoever owns its resource, as the gateway of an installation does; 502 if nobody answers."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = request.url.path.removeprefix("/api/v1")
        headers = {name: value for name, value in request.headers.items() if name not in ("host", "content-length")}
        try:
            answer = await self._cluster.client.request(
                request.method,
                f"{self._cluster.owner(path).url}{request.url.path}?{request.url.query}",
                content=await request.body(),
                headers=headers,
            )
            made = Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))
        except httpx.TransportError:
            made = Response(status_code=502)
        await made(scope, receive, send)


async def test_a_killed_service_is_shown_as_away_until_it_is_back(
    cluster: Cluster, embedded_servers: Endpoints
) -> None:
    staff = await sign_up(cluster, "killed")
    api = f"http://127.0.0.1:{(port := free_port())}"
    pages = System(
        embedded_servers,
        ("web",),
        prefix=str(cluster.given["database_prefix"]),
        kafka_url=cluster.given["kafka_url"],
        api_url=api,
        public_url="http://turnus.test",
    )
    async with listening(Gateway(cluster), "127.0.0.1", port), pages.running():
        pages.client.cookies.set(COOKIE, staff["Authorization"].removeprefix("Bearer "))

        async def shown(away: int) -> bool:
            answer = await pages.client.get("/console/operations?lang=en")
            if answer.status_code == 503:
                return False  # it does not even know yet who asks
            assert answer.status_code == 200, answer.text
            figures = answer.text.count('<dl class="figures">')
            return answer.text.count("Does not answer") == away and figures == len(SERVICES) - away

        await eventually(lambda: shown(0), 60)  # every service has to hear of the first signing key
        await cluster.processes["assignment"].kill()
        await eventually(lambda: shown(1), 60)
        await cluster.processes["assignment"].start()
        await eventually(lambda: shown(0), 60)
