"""Pages that stay true by themselves: what they are woken by, and what a browser is told (HTML, 9.2).

A browser is told that something changed, never what: it asks for its page again, with the rights that it has then.
"""

AGAIN_MILLISECONDS = 3_000
"""After how long a browser asks again when its stream has ended."""
OPENED = f"retry: {AGAIN_MILLISECONDS}\n\n"
CHANGED = "data: changed\n\n"
STILL_HERE = ": still here\n\n"


def of_booking(booking_id: str) -> str:
    """What pages about a booking are woken by."""
    return f"live:{booking_id}"


def of_workspace(workspace_id: str) -> str:
    """What pages about all of a workspace are woken by."""
    return f"live:{workspace_id}"
