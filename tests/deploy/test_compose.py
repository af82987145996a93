"""docker-compose.yml runs every service and role of the Service tables, with settings that exist."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.tables import roles, services
from turnus_runtime.settings import Settings, kinds, load

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def containers() -> dict[str, dict[str, Any]]:
    """The containers as Docker Compose itself understands the file: anchors and defaults resolved."""
    compose = Path(sys.executable).with_name("docker-compose")
    shown = subprocess.run(
        [compose, "-f", ROOT / "docker-compose.yml", "config", "--format", "json", "--no-interpolate"],
        capture_output=True,
        check=True,
    )
    return json.loads(shown.stdout)["services"]


@pytest.fixture
def ours(containers: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: container for name, container in containers.items() if container.get("command", [""])[0] == "serve"}


def test_every_service_and_role_is_a_container_of_its_own(ours: dict[str, dict[str, Any]]) -> None:
    wanted = {f"{name}-{role}": (name, role) for name, service in services().items() for role in roles(service)}
    assert {name: (c["command"][1], c["command"][3]) for name, c in ours.items()} == wanted
    assert all(container["command"][2] == "--role" for container in ours.values())


def test_an_image_holds_the_extra_of_its_own_service_only(ours: dict[str, dict[str, Any]]) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for name, container in ours.items():
        assert container["build"]["args"] == {"SERVICE": name.rpartition("-")[0]}
    assert set(services()) <= set(extras)


def test_every_setting_exists_and_fits(
    ours: dict[str, dict[str, Any]], containers: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [*ours, "topics", "audit"]:
        read(containers[name]["environment"], monkeypatch, name.rpartition("-")[0])


def test_no_container_asks_its_own_loopback_address(
    ours: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, container in ours.items():
        told = read(container["environment"], monkeypatch)
        addresses = (told.mongo_url, told.kafka_url, told.redis_url, told.smtp_url, told.api_url)
        assert not [address for address in addresses if "127.0.0.1" in address or "localhost" in address], name


def test_the_image_listens_where_the_healthcheck_and_the_gateway_look(
    ours: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = read(dockerfile_environment(), monkeypatch)
    assert (image.http_host, image.http_port) == ("0.0.0.0", 8080)
    for container in ours.values():
        assert f"http://127.0.0.1:{image.admin_port}/readyz" in container["healthcheck"]["test"][-1]
        assert {"topics", "valkey"} <= set(container["depends_on"])
    assert f"http://127.0.0.1:{image.admin_port}/healthz" in (ROOT / "Dockerfile").read_text()


def test_only_the_gateway_and_the_mailbox_are_reached_from_outside(containers: dict[str, dict[str, Any]]) -> None:
    published = {name: container["ports"] for name, container in containers.items() if container.get("ports")}
    assert set(published) == {"gateway", "mailbox"}
    assert all(port["host_ip"] == "127.0.0.1" for ports in published.values() for port in ports)


def test_a_topic_is_made_by_the_tables_alone_never_by_a_broker_that_is_asked_for_one(
    containers: dict[str, dict[str, Any]],
) -> None:
    assert containers["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def read(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, service: str = "") -> Settings:
    """The settings of a process with this environment, as it would read them. Raises for one that does not exist."""
    with monkeypatch.context() as context:
        for name, value in environment.items():
            context.setenv(name, _default(value))
        return load(kinds().get(service, Settings))


def dockerfile_environment() -> dict[str, str]:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
    lines = [line.removeprefix("ENV ").split() for line in text.splitlines() if line.startswith("ENV ")]
    return {name: value for name, _, value in (pair.partition("=") for line in lines for pair in line)}


def _default(value: str) -> str:
    """`${NAME:-default}` as it is when NAME is not set."""
    return value.partition(":-")[2].removesuffix("}") if value.startswith("${") else value
