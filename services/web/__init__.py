"""The pages of guests: a client of the public API that owns nothing."""
