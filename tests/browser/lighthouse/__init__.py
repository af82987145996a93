"""What Lighthouse says of the guests' pages: see `__main__`."""
