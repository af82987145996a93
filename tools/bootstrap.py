"""Make `.venv` hold what a make target needs, and nothing again when nothing changed. Standard library only.

    python tools/bootstrap.py EXTRA [EXTRA…]     extras of the root distribution, e.g. `all embedded`
    python tools/bootstrap.py                    uv alone: for `make lock`, when the old lock no longer fits

The first time: a virtual environment, uv from the hashes in `tools/uv.txt`, then the three local distributions
(editable) with those extras. Versions and hashes of everything else come from `requirements.lock`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
STAMP = VENV / ".turnus.json"
INPUTS = (
    "requirements.lock",
    "tools/uv.txt",
    "tools/bootstrap.py",
    "pyproject.toml",
    "libs/contracts/pyproject.toml",
    "libs/runtime/pyproject.toml",
)
OLDEST, NEWEST = (3, 11), (3, 13)


def main(extras: set[str]) -> None:
    """Install `extras`, together with those that an earlier call installed; with none, uv alone. Safe to run twice at
    once.
    """
    directory = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)  # `make -j`: one installs, the others find it done
    if not extras:
        make_venv()
        make_uv()
        return
    digest = digest_of_inputs()
    stamped, installed = read_stamp()
    if stamped == digest and extras <= installed and venv_is_kept():
        return
    extras |= installed
    make_venv()
    make_uv()
    STAMP.unlink(missing_ok=True)
    say(f"installing {', '.join(sorted(extras))}")
    run(
        *(UV, "pip", "install", "--quiet", "--python", PYTHON, "--constraints", "requirements.lock"),
        *("--editable", "libs/contracts", "--editable", "libs/runtime"),
        *("--editable", f".[{','.join(sorted(extras))}]"),
    )
    STAMP.write_text(json.dumps({"digest": digest, "extras": sorted(extras)}))


def digest_of_inputs() -> str:
    """A digest of every file that decides what is installed."""
    digest = hashlib.sha256()
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def read_stamp() -> tuple[str, set[str]]:
    """Digest and extras of the last call that finished."""
    try:
        stamp = json.loads(STAMP.read_text())
        return stamp["digest"], set(stamp["extras"])
    except (OSError, ValueError, LookupError, TypeError):
        return "", set()


def venv_is_kept() -> bool:
    """Whether `.venv` works and is of the Python that runs this, which `make PYTHON=…` chose."""
    return (VENV / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}").is_dir() and works(PYTHON)


def make_venv() -> None:
    """A virtual environment of a Python that Turnus runs on."""
    if venv_is_kept():
        return
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        sys.exit(f"Turnus runs on Python 3.11 to 3.13, and this is {sys.version.split()[0]}: make PYTHON=python3.13 …")
    if find_spec("venv") is None or find_spec("ensurepip") is None:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        sys.exit(f"This Python has no venv module: install the Debian package {package} (apt-get install {package}).")
    say(f"making .venv with Python {sys.version.split()[0]}")
    run(sys.executable, "-m", "venv", "--clear", VENV)


def make_uv() -> None:
    """The uv that made the lock, by hash, into the environment itself."""
    wanted = (ROOT / "tools" / "uv.txt").read_text().split()[0].partition("==")[2]
    if works(UV) and output(UV, "--version").split()[1] == wanted:
        return
    if not works(PYTHON, "-m", "pip"):
        output(PYTHON, "-m", "ensurepip")
    quiet = ("--quiet", "--disable-pip-version-check")
    run(PYTHON, "-m", "pip", "install", *quiet, "--require-hashes", "-r", "tools/uv.txt")


def works(*command: str | Path) -> bool:
    """Whether the program is there and starts: an environment outlives the Python that it was made of."""
    try:
        return subprocess.run([*command, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def output(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def run(*command: str | Path) -> None:
    """Run in the root; what it says is shown. Ends the program with its exit code if it fails."""
    environment = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment["UV_PYTHON_DOWNLOADS"] = "never"  # the Python is the one that was asked for
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    if code:
        sys.exit(code)


def say(text: str) -> None:
    print(f"bootstrap: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(set(sys.argv[1:]))
