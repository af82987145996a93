"""requirements.lock holds everything that is installed, by hash, and says nothing of where it was made."""

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
OURS = {"turnus", "turnus-contracts", "turnus-runtime"}


def locked() -> set[str]:
    return {canonicalize_name(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", LOCK, re.MULTILINE)}


def test_every_entry_is_one_version_with_hashes() -> None:
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    assert len(entries) > 50
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==[\w.]+( ; [^\\]+)? \\\n( +--hash=sha256:[0-9a-f]{64}( \\\n)?)+$", entry), entry


def test_it_names_no_host_and_no_path() -> None:
    assert "://" not in LOCK
    assert "file:" not in LOCK
    assert not re.search(r"^(-|#|\.|/)", LOCK, re.MULTILINE)


def test_whatever_we_ask_for_is_locked_in_a_version_that_fits() -> None:
    names = locked()
    for name in OURS:
        for requirement in map(Requirement, requires(name) or []):
            if requirement.name not in OURS:
                assert canonicalize_name(requirement.name) in names, f"{requirement}: run make lock"


def test_all_distributions_have_one_version() -> None:
    files = [ROOT / "pyproject.toml", *sorted((ROOT / "libs").glob("*/pyproject.toml"))]
    assert len({tomllib.loads(file.read_text())["project"]["version"] for file in files}) == 1
    assert len(files) == 3
