"""`schemas`."""

from argparse import Namespace

from turnus_runtime.cli.found import services_named
from turnus_runtime.schemas import run


def schemas(arguments: Namespace) -> int:
    """Write what is generated, or say what is not current; 1 if something is not."""
    return run(services_named([]), check=arguments.check)
