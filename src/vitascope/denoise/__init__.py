"""Stage 3, rectified flow over one callable, `model(latents, levels, conditioning) -> clean`."""
