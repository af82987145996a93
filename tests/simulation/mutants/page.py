"""`docs/mutants.md`: the table of all mutants, written from what a run of them found.

What was found is kept beside the registry (`found.json`), so that the page can be checked, and so that the tests of
every change can begin with the seeds that show something.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.simulation.mutants import THEMES
from tests.simulation.mutants.judging import ROOT, Verdict
from tests.simulation.mutants.registry import MODEL, MUTANTS, ROTATION, RULES, SIMULATION, Mutant
from tests.simulation.mutants.without import WITHOUT

PAGE = ROOT / "docs" / "mutants.md"
NOT_YET = "not judged yet"
FOUND = Path(__file__).with_name("found.json")
_HEAD = """# Mutants: each protection switched off

Every sentence of [reliability](reliability.md) that forbids or orders something, and every protection that the code
added to them, is here with its mutant: a patch in the test tree (`tests/simulation/mutants`) that takes it away.
Somebody must notice: the simulation, else the model, else a test that is named. `make mutants` switches them off one
after the other and ends with 1 if one survives; `make mutants WRITE=1` writes this page. A test fails when the page
does not name exactly the mutants there are, and when a sentence has neither a mutant nor a reason at the end of it.

`after`: histories from seed 0 on (simulation) or states (model) until it was noticed.
"""
_COLUMNS = "| mutant | takes away | after | noticed by |\n|---|---|---|---|\n"


def found() -> dict[str, tuple[int, str]]:
    """By mutant: after how many histories or states it was noticed last time, and by what."""
    return {name: (one["after"], one["by"]) for name, one in json.loads(FOUND.read_text()).items()}


def named() -> list[str]:
    """The mutants that the page names, in its order."""
    return re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)


def write(verdicts: Iterable[Verdict]) -> None:
    """Note what was found; mutants that were not judged now keep what they have. Then the page anew."""
    kept: dict[str, Any] = json.loads(FOUND.read_text()) if FOUND.exists() else {}
    kept |= {one.mutant: {"after": one.after, "by": "" if one.survived else told(one)} for one in verdicts}
    known = {one.name: kept[one.name] for one in MUTANTS if one.name in kept}
    FOUND.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(rendered())


def rendered() -> str:
    """The page as it must be."""
    return _HEAD + "".join(_lines(found()))


def told(verdict: Verdict) -> str:
    """What noticed it, without whom it was said of."""
    text = verdict.by.splitlines()[0]
    kind, colon, _ = text.partition(": ")
    if colon and re.fullmatch(r"[a-z_]+", kind):
        return kind
    for pattern in (r"\b(?:bk|mem|cal|cho|ws)_\w+", r"\d+:\d\d:\d\d(?:\.\d+)?", r"\bkey-\d+"):
        text = re.sub(pattern, "…", text)
    return text.replace("|", "/")[:120].strip()


def _lines(known: Mapping[str, tuple[int, str]]) -> Iterator[str]:
    for theme in THEMES:
        yield f"\n## {(theme.__doc__ or '').splitlines()[0].rstrip('.')}\n\n{_COLUMNS}"
        yield from _rows([one for one in MUTANTS if one.theme == theme.__name__], known)
    yield from _without()


def _rows(mutants: Iterable[Mutant], known: Mapping[str, tuple[int, str]]) -> Iterator[str]:
    for one in mutants:
        after, by = known.get(one.name, (0, ""))
        noticed = _noticed(one, by) if one.name in known else f"{_noticed(one, NOT_YET)}: {NOT_YET}"
        yield f"| `{one.name}` | {_quoted(one)} | {_after(one, after)} | {noticed} |\n"


def _without() -> Iterator[str]:
    yield "\n## Pairs\n\nThese mask each other and are switched off together.\n\n"
    for one in MUTANTS:
        if one.together:
            yield f"- `{one.name}`: {one.together}\n"
    yield "\n## Sentences without a mutant\n"
    for why, sentences in WITHOUT.items():
        yield f"\n{why}\n\n"
        yield from (f"- {_flat(one)}\n" for one in sentences)


def _after(one: Mutant, after: int) -> str:
    return f"{after:,}" if "::" not in one.seen_by else "–"


def _noticed(one: Mutant, by: str) -> str:
    if not by:
        return "**nobody**"
    if one.seen_by == SIMULATION:
        return by
    if one.seen_by.startswith(MODEL):
        return f"model: {by}"
    if one.seen_by == ROTATION:
        return f"histories of the rotation alone: {by}"
    path, _, test = one.seen_by.partition("::")
    return f"`{test}` in `{path}`"


def _quoted(one: Mutant) -> str:
    said = _flat(one.protects).replace("|", "/")
    return said if one.page == RULES else f"{said} (`{one.page}`)"


def _flat(text: str) -> str:
    return " ".join(text.split())
