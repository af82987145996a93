"""Adapters of booking to the outside."""
