"""For all tests of the runtime's own parts."""

from tests.support.logging_kept import logging_as_before

__all__ = ["logging_as_before"]
