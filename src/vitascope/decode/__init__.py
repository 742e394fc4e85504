"""Stage 4: latents become frames (and, later, sound), streamed."""
