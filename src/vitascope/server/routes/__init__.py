"""The routes: each parses, calls one method and returns a type."""
