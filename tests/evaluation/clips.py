"""Plain clips, and a judge without a network, for the tests of evaluation."""

import numpy as np

from vitascope.toybox.classifier import JudgeCard

CARD = JudgeCard(
    frames=5,
    size=24,
    heads={
        "subject": ("cat", "dog"),
        "action": ("walk", "run"),
        "set": ("garden", "beach"),
        "time": ("day", "night"),
        "camera": ("static", "zoom-in"),
        "style": ("clay", "noir"),
    },
    accuracy={
        "subject": 0.99,
        "action": 0.6,
        "set": 0.98,
        "time": 1.0,
        "weather": 1.0,
        "camera": 0.97,
        "style": 1.0,
    },
    reference={"flicker": {"clay static": 2.0}, "warping": {"clay static": 4.0}},
    held_back=10,
)


class FlatJudge:
    """A network that always gives the first label of each head."""

    def __call__(self, **arrays: np.ndarray) -> dict[str, np.ndarray]:
        """Take clips of the card's length and size."""
        batch = len(arrays["clip"])
        assert arrays["clip"].shape == (batch, CARD.frames, 3, CARD.size, CARD.size)
        logits = {
            head: np.eye(len(labels), dtype=np.float32)[[0] * batch] for head, labels in CARD.heads.items()
        }
        return logits | {"embedding": np.ones((batch, 4), np.float32) / 2}


def plain(count: int, height: int, width: int, value: int = 0) -> np.ndarray:
    """Return a clip of one grey."""
    return np.full((count, height, width, 3), value, np.uint8)
