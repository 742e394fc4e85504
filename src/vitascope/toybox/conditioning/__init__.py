"""Stage 2, a shot to numbers that a network takes: one file per kind of input."""
