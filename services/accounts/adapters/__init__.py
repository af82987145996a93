"""What accounts needs of the world: passwords hashed, tokens signed, mails sent."""

from dataclasses import dataclass

from services.accounts.adapters.passwords import Passwords
from services.accounts.settings import Settings
from turnus_runtime.ports import Mailer
from turnus_runtime.smtp import SmtpMailer


@dataclass(slots=True)
class World:
    """The outside of a process of accounts. `secret` signs the links in mails; it is read when the process opens."""

    passwords: Passwords
    mailer: Mailer
    secret: str = ""


def adapters(settings: Settings) -> World:
    """The outside effects of a process of accounts."""
    passwords = Passwords(
        memory_kib=settings.accounts_password_memory_kib,
        passes=settings.accounts_password_passes,
        at_once=settings.accounts_passwords_at_once,
        waiting=settings.accounts_passwords_waiting,
    )
    return World(passwords, SmtpMailer(settings.smtp_url))
