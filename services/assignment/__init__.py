"""Who serves: one rotation per team calendar, and every choice it made, with the reason."""
