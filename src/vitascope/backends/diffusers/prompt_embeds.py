"""Words first: the text encoder runs alone and is freed before the rest is loaded, where a pipeline lets it."""

import inspect
from collections import OrderedDict
from typing import Any

from vitascope.backends.diffusers.optional_imports import library, quietly

PLAIN = ("prompt_embeds", "negative_prompt_embeds")
MASKED = (
    "prompt_embeds",
    "prompt_attention_mask",
    "negative_prompt_embeds",
    "negative_prompt_attention_mask",
)
"""What `encode_prompt` returns, in its order: in pipelines whose words all count, and in those that mask them."""
OTHERS = ("pooled_prompt_embeds", "prompt_embeds_2", "prompt_embeds_qwen")
"""Arguments of pipelines with several text encoders, each of which returns something else."""
REMEMBERED = 32
"""Prompts whose embeddings are kept."""

Words = tuple[Any, ...]


def is_text(component: str) -> bool:
    """Say whether a component is there for the words alone."""
    return component.startswith(("text_encoder", "tokenizer"))


def names(kind: Any) -> tuple[str, ...] | None:
    """Return what the text encoders of a pipeline class hand on, None where they cannot be run alone."""
    takes = inspect.signature(kind.__call__).parameters
    if not hasattr(kind, "encode_prompt") or any(name in takes for name in OTHERS):
        return None
    if "safety_checker" in inspect.signature(kind.__init__).parameters:
        return None  # a guardrail reads the words too, inside the call
    return next((names for names in (MASKED, PLAIN) if all(name in takes for name in names)), None)


class Memory:
    """The embeddings of the last prompts, so that a clip of the same words needs no text encoder."""

    def __init__(self, most: int = REMEMBERED):
        self._most = most
        self._known: OrderedDict[Words, dict[str, Any]] = OrderedDict()

    def get(self, words: Words) -> dict[str, Any] | None:
        """Return what is known of some words, None if nothing."""
        return self._known.get(words)

    def keep(self, words: Words, embedded: dict[str, Any]) -> None:
        """Keep the embeddings of words, on the CPU; the oldest go."""
        self._known[words] = {name: value.cpu() for name, value in embedded.items()}
        while len(self._known) > self._most:
            self._known.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()


EMBEDDED = Memory()
"""The one of this process."""


def encode(pipeline: Any, called: dict[str, Any]) -> dict[str, Any]:
    """Return a call's words as embeddings, made just as the pipeline would inside the call."""
    returned = names(type(pipeline))
    assert returned is not None
    call = inspect.signature(type(pipeline).__call__).parameters
    embeds: dict[str, Any] = {
        "do_classifier_free_guidance": True,
        "num_images_per_prompt": 1,
        "num_videos_per_prompt": 1,
        "device": pipeline._execution_device,
    }
    encoded = {}
    for name in inspect.signature(pipeline.encode_prompt).parameters:
        if name in called or name in embeds:
            encoded[name] = called.get(name, embeds.get(name))
        elif name in call and call[name].default is not inspect.Parameter.empty:
            encoded[name] = call[
                name
            ].default  # the call's own default, which may be another than encode_prompt's
    with library("torch").no_grad(), quietly():
        embedded = pipeline.encode_prompt(**encoded)
    return {name: value for name, value in zip(returned, embedded, strict=True) if value is not None}


def with_words(called: dict[str, Any], embedded: dict[str, Any], device: Any) -> dict[str, Any]:
    """Return a call that is given embeddings in place of words."""
    unencoded = {name: value for name, value in called.items() if name not in ("prompt", "negative_prompt")}
    unsaid = {"prompt": None, "negative_prompt": None}
    return {**unencoded, **unsaid, **{name: value.to(device) for name, value in embedded.items()}}
