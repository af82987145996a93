"""What somebody reads whose Python cannot carry Turnus; that it can is shown by every run of `make`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BASE = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
NO_ENSUREPIP = """
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = classmethod(lambda cls, name, *where: None if name == "ensurepip" else find(name, *where))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh clone, as far as the bootstrap reads it."""
    for name in ("requirements.lock", "pyproject.toml", "libs/contracts/pyproject.toml", "libs/runtime/pyproject.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    return tmp_path


def test_a_python_without_venv_gets_the_name_of_the_package(checkout: Path) -> None:
    (checkout / "sitecustomize.py").write_text(NO_ENSUREPIP)
    ended = run(BASE, "tools/bootstrap.py", "all", cwd=checkout, PYTHONPATH=str(checkout))
    assert ended.returncode == 1
    assert f"apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-venv" in ended.stderr
    assert not (checkout / ".venv").exists()


def test_a_python_that_can_make_an_environment_is_preferred(checkout: Path) -> None:
    pythons = checkout / "bin"
    fake_python(pythons / "python3", "exit 1")
    fake_python(pythons / "python3.13", 'case "$2" in *ensurepip*) exit 1; esac')
    fake_python(pythons / "python3.12", "exit 0")
    assert find_python(checkout, pythons).stdout == "python3.12\n"
    (pythons / "python3.12").unlink()
    assert find_python(checkout, pythons).stdout == "python3.13\n"


def test_a_machine_without_a_suitable_python_is_told_what_to_do(checkout: Path) -> None:
    fake_python(checkout / "bin" / "python3", "exit 1")
    ended = find_python(checkout, checkout / "bin")
    assert ended.returncode == 1
    assert "Python 3.11, 3.12 or 3.13" in ended.stderr
    assert "make PYTHON=" in ended.stderr


def find_python(checkout: Path, pythons: Path) -> subprocess.CompletedProcess[str]:
    dirname = pythons / "dirname"
    if not dirname.exists():
        dirname.symlink_to(shutil.which("dirname") or "")
    return run("/bin/sh", "tools/find-python", cwd=checkout, PATH=str(pythons))


def fake_python(path: Path, body: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
