"""What availability does about events and timers."""
