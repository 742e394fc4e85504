"""Toybox: the small model that ships, and everything that only it uses."""
