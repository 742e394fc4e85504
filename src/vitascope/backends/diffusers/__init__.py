"""How a shot is rendered by a pipeline of diffusers: one file per concern, `backends/diffusers/backend.py` on top."""
