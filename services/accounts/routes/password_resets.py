"""`/password-resets`: a new password by a mailed link, for whoever forgot theirs."""

from fastapi import APIRouter, Depends
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from services.accounts.domain.identities import Identity, normal, reset_standing
from services.accounts.handlers import passwords
from services.accounts.routes.asking import NewPassword, hashing, limited_as_sign_ins
from services.accounts.routes.problems import BUSY, LINK_INVALID, RESET_OVER
from services.accounts.settings import Settings
from turnus_runtime.http import (
    Answer,
    Bearer,
    Body,
    Declared,
    EmailAddress,
    Instant,
    On,
    Request,
    answer,
    documented,
    throttle,
)
from turnus_runtime.turn import Turn

router = APIRouter(prefix="/password-resets", dependencies=[Depends(limited_as_sign_ins)])
WHY_OVER = {
    "used": "It was used. Sign in with the password that was set by it.",
    "expired": "It is too old. Ask for a new one.",
    "replaced": "There is a newer one, or the password was changed since. Open the link in the newest mail.",
}


class ResetRequest(Request):
    """Whose password was forgotten."""

    email: EmailAddress


class ResetRequested(Answer):
    """The same for every address: whether it has an account is not said. The link is valid for so many minutes."""

    valid_minutes: int


class ResetView(Answer):
    """Whose password is to be set, and until when."""

    email: str
    expires_at: Instant


class ResetPassword(Request):
    """The password from now on."""

    password: NewPassword


@router.post("", status_code=202, response_model=ResetRequested)
async def request_password_reset(body: Body[ResetRequest], request: HttpRequest, on: On) -> Response:
    """Mail a link that sets a new password, if this address has an account. The answer is always the same.

    The newest link counts, once. Within five minutes of asking, asking again sends no second mail.
    """
    await throttle(request, "sign_ins", f"reset:{normal(body.email)}")
    await passwords.ask_reset(body.email, on)
    return answer(ResetRequested(valid_minutes=on.configured(Settings).accounts_reset_minutes), 202)


@router.get("/current", response_model=ResetView, responses=documented(LINK_INVALID, RESET_OVER))
async def get_current_password_reset(token: Bearer, on: On) -> Response:
    """The reset of this `prt_…` token, which is the bearer, if it is open. `reason` says why it is over: used, expired
    or replaced.
    """
    identity, nonce = await _named(token, on)
    standing = reset_standing(identity, nonce, on.now)
    if identity is None or identity.reset is None or standing != "open":
        raise _over(standing)
    return answer(ResetView(email=identity.email, expires_at=identity.reset.expires_at))


@router.post("/current/use", status_code=204, responses=documented(LINK_INVALID, RESET_OVER, BUSY))
async def use_password_reset(token: Bearer, body: Body[ResetPassword], request: HttpRequest, on: On) -> Response:
    """Set the password by this `prt_…` token, which is the bearer, and end all sessions of the account everywhere.

    API keys stay: they are no sessions, programs rest on them, and whoever made one can revoke it.
    """
    identity, nonce = await _named(token, on)
    standing = reset_standing(identity, nonce, on.now)
    if identity is None or standing != "open":
        raise _over(standing)
    await throttle(request, "sign_ins", f"account:{identity.email}")
    async with hashing():
        standing = await passwords.use_reset(identity, nonce, body.password, on)
    if standing != "open":
        raise _over(standing)
    return Response(status_code=204)


async def _named(token: str | None, on: Turn) -> tuple[Identity | None, str]:
    named = await passwords.reset_of(token or "", on)
    if named is None:
        raise LINK_INVALID(headers={"WWW-Authenticate": "Bearer"})
    return named


def _over(standing: str) -> Declared:
    return RESET_OVER(WHY_OVER[standing], reason=standing)
