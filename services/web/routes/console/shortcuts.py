"""`/console/shortcuts`: the keys of the console, and the switch that turns them off."""

from fastapi import APIRouter
from starlette.responses import Response

from services.web.routes.console.desk import Here
from services.web.routes.visit import Html

router = APIRouter(prefix="/shortcuts", default_response_class=Html)


@router.get("")
async def show(desk: Here) -> Response:
    """All keys that lead somewhere for whoever asks."""
    return desk.page("shortcuts.html", here="")
