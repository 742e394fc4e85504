"""Stage 7: a clip becomes a file that says how it was made."""
