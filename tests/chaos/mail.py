"""A mail server that can refuse and stall, and remembers what it took."""

import asyncio
import email
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from email.policy import compat32
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.processes import free_port

Mood = Literal["well", "refusing", "stalling"]


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that was answered with 250. `at`: seconds since the epoch."""

    at: float
    to: str
    message_id: str
    subject: str


class MailServer:
    """SMTP on a port of this process."""

    def __init__(self) -> None:
        self.port = free_port()
        self.taken: list[Taken] = []
        self.mood: Mood = "well"
        self._well = asyncio.Event()
        self._well.set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(self._session, "127.0.0.1", self.port)

    async def stop(self) -> None:
        self.feel("well")
        if self._server is not None:
            self._server.close()

    def feel(self, mood: Mood) -> None:
        """`refusing`: 451 to every mail; `stalling`: no answer until it is well again."""
        self.mood = mood
        if mood == "stalling":
            self._well.clear()
        else:
            self._well.set()

    def twice(self) -> dict[str, Sequence[Taken]]:
        """Mails that were taken more than once, by Message-ID and receiver."""
        counts = Counter((mail.message_id, mail.to) for mail in self.taken)
        return {
            f"{message_id} {to}": [mail for mail in self.taken if (mail.message_id, mail.to) == (message_id, to)]
            for (message_id, to), count in counts.items()
            if count > 1
        }

    def _session(self) -> SMTP:
        return SMTP(self, enable_SMTPUTF8=True, hostname="localhost", loop=asyncio.get_running_loop())

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await self._well.wait()
        if self.mood == "refusing":
            return "451 4.3.0 Not now"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        await self._well.wait()
        if self.mood == "refusing":
            return "451 4.3.0 Not now"
        content: Any = envelope.original_content or b""
        head = email.message_from_bytes(content.partition(b"\r\n\r\n")[0], policy=compat32)
        self.taken.append(Taken(time.time(), envelope.rcpt_tos[0], str(head["Message-ID"]), str(head["Subject"])))
        return "250 2.0.0 Kept"
