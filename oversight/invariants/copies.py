"""Copies: what a service knows of another one's records is what their owner says, or was so a moment ago."""

from collections.abc import Iterator

from oversight.invariants.findings import Finding
from services.availability.domain.hosts import Host


def current(source: str, published: int, copy: str, known: int | None) -> Iterator[Finding]:
    """The copy at `copy` has the version that is published of the record at `source`; None: it has nothing."""
    if known is not None and known > published:
        yield Finding("newer_than_source", (copy, source), f"version {known} is known, {published} is published")
    elif known != published:
        yield Finding("behind_source", (copy, source), f"version {known or 'none'} is known, {published} is published")


def paused(source: str, version: int, copy: str, host: Host | None) -> Iterator[Finding]:
    """The host record knows the pause of a member who ever paused as the version at `source` says it."""
    yield from current(source, version, copy, host.pause.version if host is not None and host.pause else None)
