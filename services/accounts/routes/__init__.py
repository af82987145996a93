"""The HTTP side of accounts."""

from fastapi import APIRouter

from services.accounts.routes import (
    api_keys,
    audit_log,
    current,
    invitations,
    members,
    password_resets,
    sessions,
    workspaces,
)

router = APIRouter()
for part in (workspaces, members, invitations, current, sessions, password_resets, api_keys, audit_log):
    router.include_router(part.router)
