"""Whose request it is, and how many they may send: client addresses and rate limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Protocol

from starlette.requests import Request
from starlette.types import Scope

from turnus_runtime.http.exchange import exchange
from turnus_runtime.http.problems import RATE_LIMITED
from turnus_runtime.settings import Settings

PER_SECONDS = 60


class Verdict(Protocol):
    """What a limiter says: whether this hit is within the limit, how many more are, and when the window ends."""

    @property
    def allowed(self) -> bool: ...

    @property
    def remaining(self) -> int: ...

    @property
    def reset_seconds(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Counted:
    """A plain `Verdict`."""

    allowed: bool
    remaining: int
    reset_seconds: int


class RateLimiter(Protocol):
    """Counts hits. Fails open: when its store is away everything is allowed."""

    async def hit(self, name: str, key: str, limit: int, per_seconds: int) -> Verdict:
        """Count one hit of `key` in the group `name`."""
        ...


def limit_of(settings: Settings, group: str) -> int:
    """The written default of a group, per minute: the setting `rate_limits_<group>_per_minute`."""
    found = getattr(settings, f"rate_limits_{group}_per_minute", None)
    if found is None:
        raise LookupError(f"no setting limits the group {group!r}: add rate_limits_{group}_per_minute")
    return int(found)


async def throttle(request: Request, group: str, key: str) -> None:
    """Count this request against `key` in `group`; the answer says what is left. Raises 429 `rate_limited`."""
    at = exchange(request)
    here = at.here
    if here.limiter is None:
        return
    limit = limit_of(here.settings, group)
    verdict = await here.limiter.hit(group, key, limit, PER_SECONDS)
    at.headers["RateLimit-Policy"] = f'"{group}";q={limit};w={PER_SECONDS}'
    at.headers["RateLimit"] = f'"{group}";r={max(0, verdict.remaining)};t={max(0, verdict.reset_seconds)}'
    if not verdict.allowed:
        raise RATE_LIMITED(headers={"Retry-After": str(max(1, verdict.reset_seconds))})


async def throttle_address(request: Request, group: str) -> None:
    """`throttle` by the client's address."""
    address = client_address(request.scope, exchange(request).here.settings.trusted_proxies)
    await throttle(request, group, _counted_as(address))


def client_address(scope: Scope, trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """The address the request came from: of `X-Forwarded-For`, what trusted proxies wrote, read from the right.

    Whoever is not in `trusted` may write there what they like; it is not read.
    """
    client: tuple[str, int] | None = scope.get("client")
    address = client[0] if client else ""
    told = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for").decode("latin-1")
    hops = [hop.strip() for hop in told.split(",") if hop.strip()]
    while hops and _within(address, trusted):
        hop = _parsed(hops.pop())
        if hop is None:
            break
        address = str(hop)
    return address


def _within(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


@lru_cache(maxsize=4096)
def _counted_as(address: str) -> str:
    """One IPv6 customer has a whole /64, so that is what is counted."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((int(parsed) >> 64 << 64, 64)))
    return address or "unknown"
