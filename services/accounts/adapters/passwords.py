"""Passwords by argon2id (RFC 9106), off the event loop, so many at once and no more."""

import asyncio
import base64
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

T = TypeVar("T")


class TooManyPasswords(Exception):
    """More hashes are waiting than a process can compute in good time: try again shortly."""


class Passwords:
    """Hashes and checks passwords. Threads are made when first needed."""

    def __init__(self, *, memory_kib: int, passes: int, at_once: int, waiting: int) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="passwords")
        self._most = at_once + waiting
        self._under_way = 0
        salt, digest = (base64.b64encode(bytes(size)).decode().rstrip("=") for size in (16, 32))
        self._nobodys = f"$argon2id$v=19$m={memory_kib},t={passes},p=1${salt}${digest}"

    async def hashed(self, password: str) -> str:
        """The hash to keep, salted anew each time. Raises `TooManyPasswords`."""
        return await self._off_the_loop(lambda: self._hasher.hash(_prepared(password)))

    async def match(self, kept: str | None, password: str) -> bool:
        """Whether this is the password of that hash. Without one it takes as long, and is not."""
        return await self._off_the_loop(lambda: self._verify(kept, password))

    def outdated(self, kept: str) -> bool:
        """Whether the hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(kept)

    def _verify(self, kept: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(kept or self._nobodys, _prepared(password)) and kept is not None
        except (Argon2Error, InvalidHashError):
            return False

    async def _off_the_loop(self, work: Callable[[], T]) -> T:
        if self._under_way >= self._most:
            raise TooManyPasswords
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._under_way -= 1


def _prepared(password: str) -> bytes:
    """The same bytes whichever keyboard wrote the same characters (RFC 8265, 4.2.2: NFC)."""
    return unicodedata.normalize("NFC", password).encode()
