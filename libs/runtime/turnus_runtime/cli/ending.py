"""`down`, which must be quick and therefore imports little."""

from argparse import Namespace

from turnus_runtime.embedded import stop_running
from turnus_runtime.settings import Settings, load


def down(arguments: Namespace) -> None:
    """Stop the `turnus up` of the data directory and wait until nothing of it runs."""
    print(stop_running(settings_of(arguments).data_dir))


def settings_of(arguments: Namespace) -> Settings:
    """The settings, with the data directory that was typed."""
    given = {} if arguments.data_dir is None else {"data_dir": arguments.data_dir}
    return load(Settings, **given)
