"""The HTTP side of accounts."""

from fastapi import APIRouter

from services.accounts.routes import api_keys, audit_log, members, sessions, workspaces

router = APIRouter()
for part in (workspaces, members, sessions, api_keys, audit_log):
    router.include_router(part.router)
