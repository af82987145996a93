"""What accounts does about requests, timers and events."""
