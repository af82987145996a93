"""Where in the list of bookings somebody is: it stands in the address of a booking, which leads back to it."""

from datetime import date
from urllib.parse import parse_qsl, urlencode

from services.web.domain.booking_list import Narrowed, narrowed

LONGEST_PLACE = 2000


def place_of(one: Narrowed, after: str | None) -> str:
    """The place as one parameter of an address."""
    pairs = {**one.pairs(), "after": after}
    return urlencode({name: value for name, value in pairs.items() if value is not None})


def place_named(text: str | None, today: date) -> dict[str, str | None]:
    """The parameters of a list that `place_of` wrote; of anything else, nothing but what a list can be."""
    if not text or len(text) > LONGEST_PLACE:
        return {}
    asked = dict(parse_qsl(text, keep_blank_values=True, errors="replace"))
    return {**narrowed(asked, today).pairs(), "after": asked.get("after")}
