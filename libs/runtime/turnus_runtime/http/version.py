"""Which version of the product runs here."""

from importlib.metadata import PackageNotFoundError, version


def version_here() -> str:
    """The version of the runtime that is installed, which is that of everything beside it; 0 if it is not installed."""
    try:
        return version("turnus-runtime")
    except PackageNotFoundError:
        return "0"
