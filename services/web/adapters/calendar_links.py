"""Links by which a booking gets into a guest's calendar on the web."""

from datetime import UTC
from urllib.parse import urlencode

from services.web.domain.seen import SeenBooking


def google_link(booking: SeenBooking, title: str) -> str:
    """Where Google Calendar takes the appointment. It learns title, time and place only, never the guest's link."""
    start, end = (f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}" for at in (booking.start, booking.end))
    query = {"action": "TEMPLATE", "text": title, "dates": f"{start}/{end}"}
    return f"https://calendar.google.com/calendar/render?{urlencode(query | _place(booking))}"


def outlook_link(booking: SeenBooking, title: str) -> str:
    """Where Outlook takes the appointment. It learns title, time and place only, never the guest's link."""
    start, end = (f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for at in (booking.start, booking.end))
    query = {"path": "/calendar/action/compose", "rru": "addevent", "subject": title, "startdt": start, "enddt": end}
    return f"https://outlook.live.com/calendar/0/deeplink/compose?{urlencode(query | _place(booking))}"


def _place(booking: SeenBooking) -> dict[str, str]:
    return {"location": booking.location.value} if booking.location is not None else {}
