"""Open-weight models at toy size: real classes, random weights, the same path as for the real ones."""
