"""Bodies made small for their way (gzip), for browsers that take them so."""

import gzip
import re

LEAST_BYTES = 600
"""Below this nothing is gained: it goes in one packet anyway."""
_LEVEL = 6
_TAKEN = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=([0-9.]+)\s*)?(?=,|$)", re.IGNORECASE)
PACKED = {"Content-Encoding": "gzip"}


def takes_packed(accept_encoding: str) -> bool:
    """Whether whoever sent this `Accept-Encoding` takes gzip (RFC 9110 section 12.5.3; a weight of 0 is a no)."""
    found = _TAKEN.search(accept_encoding)
    return found is not None and (found[1] is None or bool(found[1].strip("0.")))


def packed(body: bytes) -> bytes:
    """The body as gzip; the same body always gives the same bytes."""
    return gzip.compress(body, _LEVEL, mtime=0)
