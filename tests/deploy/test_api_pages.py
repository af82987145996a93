"""Behind the gateway the image of `web` alone shows what the whole API says of itself, without any other service."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WEB_ALONE = """
import asyncio, json, sys
import httpx
from turnus_runtime.process import Process, installed

async def main():
    app = Process(installed(["web"]), roles=("http",)).app()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://web") as client:
        for path in sys.argv[1:]:
            answer = await client.get(path, headers={"Accept-Language": "de"})
            print(json.dumps([answer.status_code, answer.headers["content-type"], answer.text]))
    tables = [name for name in sys.modules if name.startswith("services.") and name.endswith(".service")]
    print(json.dumps(sorted(name.split(".")[1] for name in tables)))

asyncio.run(main())
"""


def shown(*paths: str) -> tuple[list[list[Any]], list[str]]:
    """What a process of `web` alone answers; and which tables it has read to do so."""
    command = [sys.executable, "-c", WEB_ALONE, *paths]
    told = subprocess.run(command, check=True, capture_output=True, text=True, cwd="/").stdout.splitlines()
    answers = [json.loads(line) for line in told if line.startswith("[")]
    return answers[:-1], answers[-1]


def test_web_alone_shows_the_union_its_viewer_and_a_page_for_each_problem_code() -> None:
    union = json.loads((ROOT / "docs/openapi.json").read_text())
    codes = {
        code
        for path in union["paths"].values()
        for operation in path.values()
        for answer in operation["responses"].values()
        for code in answer.get("x-problem-codes", ())
    }
    assert {"slot_taken", "calendar_retired", "credential_missing"} <= codes
    codes |= {"method_not_allowed"}
    pages = [f"/problems/{code}" for code in sorted(codes)]
    (openapi, docs, unknown, *problems), read = shown(
        "/api/v1/openapi.json", "/api/docs", "/problems/no_such_code", *pages
    )
    assert read == ["web"]
    assert (openapi[0], json.loads(openapi[2])) == (200, union)
    assert (docs[0], docs[1]) == (200, "text/html; charset=utf-8")
    assert unknown[0] == 404
    assert {(status, kind) for status, kind, _ in problems} == {(200, "text/html; charset=utf-8")}
    taken = next(text for page, (_, _, text) in zip(pages, problems, strict=True) if page == "/problems/slot_taken")
    assert "sind freie Zeiten in der Nähe" in taken
