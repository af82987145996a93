"""booking: calendars, and bookings, whose record is the saga's only arbiter."""
