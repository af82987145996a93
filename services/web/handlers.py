"""What web does about events: it wakes the pages that show what they tell of. Nothing is kept."""

from services.web.domain.live import of_booking, of_workspace
from turnus_contracts import NotificationFailed, NotificationSent
from turnus_contracts.booking import OfBooking
from turnus_runtime.turn import Turn


async def wake_pages(event: OfBooking | NotificationSent | NotificationFailed, on: Turn) -> None:
    """Wake the open pages of this booking and of its workspace, in all processes."""
    await on.signals.wake(of_booking(event.booking_id))
    await on.signals.wake(of_workspace(event.workspace_id))
