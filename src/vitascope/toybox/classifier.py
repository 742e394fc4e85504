"""What a clip or a picture shows: a small classifier, the judge, gives one label per field of a scene.

`evaluation/` measures models by it; the road asks it about pictures whose words leave something unsaid.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Shaped, UInt8

from vitascope.runtime.base import Network
from vitascope.settings import settings
from vitascope.weights.folder import WeightsFolder

NETWORK = "judge"
CARD = "judge.json"

MAY_JUDGE = 0.97
"""The share of rendered clips that a head must get right before its word counts."""


@dataclass(frozen=True)
class JudgeCard:
    """What is known about a judge: the clip it takes, the labels of its heads, and how far it can be trusted.

    `accuracy` is each head's share of right answers on rendered clips that it was not trained on, `reference`
    the mean of each temporal metric on rendered clips by "style camera", and `held_back` how many clips that
    rests on.
    """

    frames: int
    size: int
    heads: Mapping[str, tuple[str, ...]]
    accuracy: Mapping[str, float]
    reference: Mapping[str, Mapping[str, float]]
    held_back: int = 0

    def may_judge(self, head: str) -> bool:
        """Say whether a head is good enough on rendered clips for its word to count."""
        return self.accuracy.get(head, 0.0) >= MAY_JUDGE

    def save(self, path: Path) -> None:
        """Write the card as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> "JudgeCard":
        """Read what `save` wrote."""
        data = json.loads(path.read_text("utf-8"))
        return cls(**{**data, "heads": {name: tuple(labels) for name, labels in data["heads"].items()}})


@dataclass(frozen=True)
class Verdict:
    """What the judge saw: per field the label and how sure it is (0..1), and the subject as a unit vector."""

    labels: Mapping[str, str]
    sureness: Mapping[str, float]
    embedding: Float32[np.ndarray, " dim"]


@dataclass(frozen=True)
class Stills:
    """What the judge sees in pictures one by one: the subject as unit vectors, and roughly where its middle is.

    `middles` are (x, y) in shares of the picture, on rendered clips right to within 8 % of it; None for a judge that
    does not say where the subject is. `shares` is per head how likely each of its labels is, 0..1.
    """

    embeddings: Float32[np.ndarray, "pictures dim"]
    middles: Float32[np.ndarray, "pictures 2"] | None
    shares: Mapping[str, Float32[np.ndarray, "pictures labels"]]


@dataclass(frozen=True)
class Judge:
    """A network (`clip` in; logits named after the heads, `embedding` and `where` out) with its card."""

    network: Network
    card: JudgeCard

    @classmethod
    def load(cls, weights: WeightsFolder, threads: int | None = None) -> "Judge":
        """Load the judge that ships beside a model's weights. Raises `WeightsError` if there is none."""
        return cls(weights.network(NETWORK, threads), JudgeCard.load(weights.file(CARD)))

    @classmethod
    def load_shipped(cls) -> "Judge":
        """Load the judge of the weights that the settings name, else of the package's own."""
        chosen = settings()
        folder = WeightsFolder(chosen.weights) if chosen.weights is not None else WeightsFolder.shipped()
        return cls.load(folder, chosen.threads)

    def judge(self, frames: UInt8[np.ndarray, "frames height width 3"]) -> Verdict:
        """Return what a clip of any length and size shows."""
        seen = self.network(clip=self.look(frames)[None])
        shares = self._shares(seen)
        return Verdict(
            {name: self.card.heads[name][int(share[0].argmax())] for name, share in shares.items()},
            {name: float(share[0].max()) for name, share in shares.items()},
            seen["embedding"][0],
        )

    def stills(self, pictures: UInt8[np.ndarray, "pictures height width 3"]) -> Stills:
        """Return what pictures show, each as if it were a clip that stands still."""
        small = resize(pictures, self.card.size).astype(np.float32) / 255
        seen = self.network(clip=np.repeat(small[:, None], self.card.frames, axis=1))
        where = middles(seen["where"].sum(axis=1)) if "where" in seen else None
        return Stills(seen["embedding"], where, self._shares(seen))

    def likely(self, pictures: UInt8[np.ndarray, "pictures height width 3"]) -> dict[str, dict[str, float]]:
        """Return the mean share of each label of each head over pictures; heads for what moves mean nothing here."""
        shares = self.stills(pictures).shares
        return {
            name: dict(zip(labels, shares[name].mean(axis=0).tolist(), strict=True))
            for name, labels in self.card.heads.items()
        }

    def watched(self, frames: UInt8[np.ndarray, "frames height width 3"]) -> dict[str, dict[str, float]]:
        """Return the share of each label of each head for one clip, what moves included."""
        shares = self._shares(self.network(clip=self.look(frames)[None]))
        return {
            name: dict(zip(labels, shares[name][0].tolist(), strict=True))
            for name, labels in self.card.heads.items()
        }

    def look(
        self, frames: UInt8[np.ndarray, "frames height width 3"]
    ) -> Float32[np.ndarray, "n 3 size size"]:
        """Return a clip as the network takes it: so many frames, so large, values 0..1."""
        return resize(resample(frames, self.card.frames), self.card.size).astype(np.float32) / 255

    def _shares(self, seen: Mapping[str, np.ndarray]) -> dict[str, Float32[np.ndarray, "clips labels"]]:
        return {name: _softmax(seen[name]) for name in self.card.heads}


def resample(frames: Shaped[np.ndarray, "frames *rest"], count: int) -> Shaped[np.ndarray, "{count} *rest"]:
    """Return `count` frames spread evenly from a clip's first to its last; a short clip's repeat."""
    return frames[np.linspace(0, len(frames) - 1, count).round().astype(int)]


def resize(
    frames: UInt8[np.ndarray, "frames height width 3"], size: int
) -> UInt8[np.ndarray, "frames 3 size size"]:
    """Return frames of `size` squared, channels first, each pixel the mean of the area that it covers."""
    rows, columns = (area_weights(edge, size) for edge in frames.shape[1:3])
    flat = np.moveaxis(frames, -1, 1).astype(np.float32)
    return (rows @ flat @ columns.T + 0.5).astype(np.uint8)


def area_weights(old: int, new: int) -> Float32[np.ndarray, "new old"]:
    """Return the share of each of `old` pixels in each of `new` pixels of the same edge; rows sum to 1."""
    edges = np.linspace(0, old, new + 1)
    start, end = edges[:-1, None], edges[1:, None]
    cells = np.arange(old)
    overlap = np.clip(np.minimum(end, cells + 1) - np.maximum(start, cells), 0, None)
    return (overlap / overlap.sum(1, keepdims=True)).astype(np.float32)


def middles(heat: Float32[np.ndarray, "pictures rows columns"]) -> Float32[np.ndarray, "pictures 2"]:
    """Return the middle (x, y) of each heat map, in shares of the picture."""
    weights = heat / np.maximum(heat.sum(axis=(1, 2), keepdims=True), 1e-12)
    rows, columns = heat.shape[1:]
    x = weights.sum(axis=1) @ ((np.arange(columns) + 0.5) / columns)
    y = weights.sum(axis=2) @ ((np.arange(rows) + 0.5) / rows)
    return np.stack([x, y], axis=1).astype(np.float32)


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
