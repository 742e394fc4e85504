"""Servers that speak `/v1/videos`: another Vitascope, SGLang, vLLM-Omni, FastVideo, LiteLLM, or OpenAI's own shape."""

from vitascope.backends.remote.backend import Remote as Remote
