"""The pure half of booking: what a calendar is, and every transition of a booking."""
