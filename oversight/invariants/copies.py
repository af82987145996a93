"""Copies: what a service knows of another one's records is what their owner says, or was so a moment ago."""

from collections.abc import Iterator

from oversight.invariants.findings import Finding


def current(source: str, published: int, copy: str, known: int | None) -> Iterator[Finding]:
    """The copy at `copy` has the version that is published of the record at `source`; None: it has nothing."""
    if known is not None and known > published:
        yield Finding("newer_than_source", (copy, source), f"version {known} is known, {published} is published")
    elif known != published:
        yield Finding("behind_source", (copy, source), f"version {known or 'none'} is known, {published} is published")
