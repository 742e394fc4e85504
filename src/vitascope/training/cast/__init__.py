"""Builds the memory of pages that ships with Toybox: `python -m vitascope.training.cast --out FOLDER`."""
