"""Who may: the staff routes' side of `turnus_runtime.credentials`, and the tenant rule."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar, cast

from fastapi import Depends
from starlette.requests import Request

from turnus_runtime.credentials import SCOPES, CredentialRefused, KeysUnknown, Principal, verify
from turnus_runtime.http.exchange import exchange
from turnus_runtime.http.limits import throttle, throttle_address
from turnus_runtime.http.params import GuestGate
from turnus_runtime.http.problems import KINDS, NOT_FOUND, Problem, declare

CREDENTIAL_MISSING = declare(
    "credential_missing",
    401,
    "This needs a credential",
    en="Send Authorization: Bearer with a session token or an API key.",
    de="Senden Sie Authorization: Bearer mit einem Sitzungs-Token oder einem API-Schlüssel.",
)
CREDENTIAL_INVALID = declare(
    "credential_invalid",
    401,
    "This credential is not valid",
    en="Sign in again, or use another API key. It may be incomplete or signed with a key that was withdrawn.",
    de="Melden Sie sich neu an oder nehmen Sie einen anderen API-Schlüssel. Er kann unvollständig sein oder mit einem "
    "zurückgezogenen Schlüssel unterschrieben.",
)
CREDENTIAL_EXPIRED = declare(
    "credential_expired",
    401,
    "This credential has expired",
    en="Sign in again.",
    de="Melden Sie sich neu an.",
)
CREDENTIAL_REVOKED = declare(
    "credential_revoked",
    401,
    "This credential was revoked",
    en="The session was ended or the API key deleted. Sign in again, or use another key.",
    de="Die Sitzung wurde beendet oder der API-Schlüssel gelöscht. Melden Sie sich neu an oder nehmen Sie einen "
    "anderen.",
)
FORBIDDEN = declare(
    "forbidden",
    403,
    "You may not do this",
    en="Your role or API key lacks a permission. Ask an owner of the workspace for it.",
    de="Ihrer Rolle oder Ihrem API-Schlüssel fehlt eine Berechtigung. Bitten Sie eine Inhaberin des "
    "Arbeitsbereichs darum.",
)
KEYS_UNKNOWN = declare(
    "keys_unknown",
    503,
    "This service knows no signing key yet",
    en="It has just been started and waits for the first one. Repeat the request shortly.",
    de="Er wurde gerade erst gestartet und wartet auf den ersten. Wiederholen Sie die Anfrage gleich.",
)


async def bearer(request: Request) -> str | None:
    """The bearer token of a request, or None. Raises 401 for any other scheme, or two headers."""
    told = request.headers.getlist("authorization")
    if not told:
        return None
    scheme, _, token = told[0].partition(" ")
    if len(told) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise CREDENTIAL_INVALID(headers={"WWW-Authenticate": "Bearer"})
    return token.strip()


Bearer = Annotated[str | None, Depends(bearer)]
"""`token: Bearer`: the raw bearer token, for routes that take tokens of their own kind (`bkt_…`)."""


class StaffGate:
    """Admits members with all of `scopes`. Verifies, then limits by credential; refusals are limited by address.

    `of_all`: only who is not restricted to what is assigned to them, because this is about everybody's.
    """

    def __init__(self, scopes: Sequence[str], *, optional: bool = False, of_all: bool = False) -> None:
        if unknown := set(scopes) - set(SCOPES):
            raise LookupError(f"no such scope: {', '.join(sorted(unknown))}")
        self.scopes = tuple(scopes)
        self.optional = optional
        self.of_all = of_all

    async def __call__(self, request: Request) -> Principal | None:
        return await self.admit(request, await bearer(request))

    async def _as_guest(self, request: Request) -> None:
        """Whoever comes without credentials is limited like any guest, once."""
        endpoint = exchange(request).endpoint
        if endpoint is None or not any(isinstance(call, GuestGate) for call in endpoint.calls):
            await GuestGate(None)(request)

    async def admit(self, request: Request, token: str | None) -> Principal | None:
        """The principal of `token`, once per request."""
        if token is None:
            if self.optional:
                await self._as_guest(request)
                return None
            raise CREDENTIAL_MISSING(headers={"WWW-Authenticate": "Bearer"})
        at = exchange(request)
        try:
            who = await verify(token, at.here.keys, at.turn)
        except KeysUnknown:
            raise KEYS_UNKNOWN(headers={"Retry-After": "1"}) from None
        except CredentialRefused as refused:
            await throttle_address(request, "guest_writes")
            raise _refusal(refused) from None
        await throttle(request, "staff", who.credential_id)
        if missing := [scope for scope in self.scopes if scope not in who.scopes]:
            raise FORBIDDEN(f"This needs the permission {', '.join(missing)}.")
        if self.of_all and who.assigned_only:
            raise FORBIDDEN("This is about everybody's, and you work only with what is assigned to you.")
        return who


def _refusal(refused: CredentialRefused) -> Problem:
    return KINDS[refused.code](headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


def staff(*scopes: str, of_all: bool = False) -> Any:
    """The member who asks, who must hold all these scopes. Raises 401, 403, 429, 503.

    `who: Annotated[Principal, staff("calendars:manage")]`. `of_all`: who works only with what is assigned to them gets
    403, because this is about everybody's.
    """
    return Depends(StaffGate(scopes, of_all=of_all))


def staff_or_guest(*scopes: str) -> Any:
    """Like `staff`, but None without credentials (`Annotated[Principal | None, …]`); a wrong one is still 401.

    The route counts as open to guests: CORS, and limited by address when nobody is named.
    """
    return Depends(StaffGate(scopes, optional=True))


async def principal_of(request: Request, token: str | None, *scopes: str) -> Principal:
    """The principal of `token`, for routes that decide themselves whose token it is."""
    who = await StaffGate(scopes).admit(request, token)
    return cast("Principal", who)


B = TypeVar("B")


def found(thing: B | None, who: Principal | None = None) -> B:
    """The thing, or 404 if it is absent or belongs to another workspace: the two are answered alike."""
    if thing is None or (who is not None and getattr(thing, "workspace_id", None) != who.workspace_id):
        raise NOT_FOUND
    return thing
