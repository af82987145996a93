"""The events of Turnus and their value types: what services may know of one another."""
