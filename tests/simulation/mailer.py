"""The mail port: a server that refuses, delays, hangs, and takes mails whose senders never hear of it."""

import asyncio
from typing import TYPE_CHECKING

from turnus_runtime.ports import Mail, MailDelayed, MailRefused

if TYPE_CHECKING:
    from tests.simulation.process import SimulatedProcess
    from tests.simulation.world import World

HANGS_SECONDS = 30.0
"""As long as the production mailer waits for its server."""


class Post:
    """The one mail server. `taken`: Message-ID -> processes that it took this mail from, one entry each time."""

    def __init__(self, world: "World") -> None:
        self._chances = world.lot.stream("post")
        self._weather = world.weather
        self.taken: dict[str, list[str]] = {}
        self.unheard: set[str] = set()
        """Message-IDs of mails that were taken without their sender having heard it in peace: a second is no wonder."""

    def fate(self) -> str:
        """What becomes of the next mail, "" if all is well."""
        for what, chance in self._weather.post.items():
            if self._chances.happens(chance if self._weather.raging else 0.0, what):
                return what
        return ""


class SimulatedMailer:
    """The `Mailer` of one process."""

    def __init__(self, process: "SimulatedProcess", post: Post) -> None:
        self._process = process
        self._post = post

    async def send(self, mail: Mail) -> str:
        """See the port."""
        process, post = self._process, self._post
        await process.step("before", "send", "mail")
        fate = post.fate()
        if fate == "refused":
            raise MailRefused(550)
        if fate == "delayed":
            raise MailDelayed(451)
        if fate != "hanging":
            process.world.watch.mailed(process, mail.message_id)
            post.taken.setdefault(mail.message_id, []).append(process.name)
        if fate:
            post.unheard.add(mail.message_id)
            await asyncio.sleep(HANGS_SECONDS)
            raise MailDelayed(0)
        try:
            await process.step("after", "send", "mail")
        except BaseException:
            post.unheard.add(mail.message_id)
            raise
        return "250 taken"
