"""Who takes gzip, and that a body stays the same."""

import gzip

import pytest

from services.web.adapters.packing import packed, takes_packed


@pytest.mark.parametrize(
    ("accept", "taken"),
    [
        ("gzip", True),
        ("br, gzip, deflate", True),
        ("deflate,GZIP;q=0.5", True),
        ("*", True),
        ("gzip; q=1.000", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000, br", False),
        ("x-gzip", False),
        ("identity", False),
        ("", False),
    ],
)
def test_whoever_names_gzip_with_a_weight_takes_it(accept: str, taken: bool) -> None:
    assert takes_packed(accept) is taken


def test_a_packed_body_is_the_same_body_and_always_the_same_bytes() -> None:
    body = b"Termine " * 500
    assert gzip.decompress(packed(body)) == body
    assert packed(body) == packed(body)
    assert len(packed(body)) < len(body) / 10
