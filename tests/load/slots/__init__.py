"""`make bench-slots`: what a list of free times costs, and how long guests wait for it."""
