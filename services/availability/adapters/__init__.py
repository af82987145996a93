"""Adapters of availability to the outside."""
