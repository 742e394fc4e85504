"""The toy theatre: Toybox's whole world, painted, acted and filmed; needed for training and judging only."""
