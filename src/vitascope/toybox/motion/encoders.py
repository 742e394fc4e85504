"""What stage 2 needs of a model: the networks that turn words and pictures into what the transformer reads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

from vitascope.toybox.cast.lookup import Appearance
from vitascope.toybox.motion.trajectory import Blocking
from vitascope.toybox.scene import Scene
from vitascope.types import Text

Field = Callable[
    [
        Text,
        Float32[np.ndarray, "tries tokens extra"],
        Float32[np.ndarray, "tokens 3"],
        Float32[np.ndarray, "slots 4 phases size size"] | None,
    ],
    Float32[np.ndarray, "tries tokens latent"],
]
"""Words, extra channels, positions and pages to what tokens look like on the whole, before any noise."""


@dataclass(frozen=True)
class Encoders:
    """What turns words and pictures into what the network reads.

    `text` takes sentences; `video` takes 1 + 4k frames and returns their normalised latents, one row per token;
    `blocking` finds a way over the set for a scene and a seed, if it knows one, and `ways` all that would do, in the
    seed's order; `field` draws without noise, for models that can; `pages` returns what subjects look like, None for
    models that know it by heart.
    """

    text: Callable[[Sequence[str]], tuple[Text, ...]]
    video: Callable[[UInt8[np.ndarray, "frames height width 3"]], Float32[np.ndarray, "tokens latent"]]
    blocking: Callable[[Scene, int], Blocking | None] = lambda scene, seed: None
    ways: Callable[[Scene, int], Sequence[Blocking]] = lambda scene, seed: ()
    field: Field | None = None
    pages: Callable[[Sequence[Appearance]], Float32[np.ndarray, "slots 4 phases size size"] | None] = (
        lambda looks: None
    )
