"""Measures of pictures, one file each, in NumPy alone."""
