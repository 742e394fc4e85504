"""Training and evaluation settings, as functions that return frozen configs."""
