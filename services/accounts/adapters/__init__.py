"""What accounts needs of the world: passwords hashed, tokens signed."""

from services.accounts.adapters.passwords import Passwords
from services.accounts.settings import Settings


def adapters(settings: Settings) -> Passwords:
    """The outside effects of a process of accounts."""
    return Passwords(
        memory_kib=settings.accounts_password_memory_kib,
        passes=settings.accounts_password_passes,
        at_once=settings.accounts_passwords_at_once,
        waiting=settings.accounts_passwords_waiting,
    )
