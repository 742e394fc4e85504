"""Stage `textures`: what the subjects look like, averaged over clips that show them.

The clips' truth says where each texel of a subject's own picture is on the screen in every frame. The mean of the
colours seen there is what the subject looks like; where it has no body, the colours are those of ever other sets, and
vary more. The transformer begins with these planes and changes them as it learns (`nn/dit.py`, `NeuralTextures`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from vitascope.toybox.scene import Scene
from vitascope.training.rendered import Rendered

PLAIN = {"style": "clay", "time": "day"}
"""The clips that are averaged: a toy's own colours, in daylight."""
FLATTEST = 1e-3
"""A subject that fills less of the picture than this, in picture areas per area of its own, is seen edge-on."""


@dataclass
class Seen:
    """How often each texel of each phase was seen, and the sums of its colours and of their squares."""

    count: Float[Tensor, "planes texels"]
    colours: Float[Tensor, "planes 3 texels"]
    squares: Float[Tensor, "planes 3 texels"]

    @classmethod
    def nothing(cls, planes: int, texels: int) -> "Seen":
        """Return the sums before the first clip."""
        return cls(torch.zeros(planes, texels), *(torch.zeros(planes, 3, texels) for _ in range(2)))

    def add(
        self, planes: Tensor, there: Float[Tensor, "frames texels"], colours: Float[Tensor, "frames 3 texels"]
    ) -> None:
        """Add some frames, each to its own plane."""
        self.count.index_add_(0, planes, there)
        self.colours.index_add_(0, planes, colours * there[:, None])
        self.squares.index_add_(0, planes, colours.square() * there[:, None])


def texels(size: int) -> Float[Tensor, "texels 2"]:
    """Return u and v of the middle of every texel, in -1..1 across the subject's own picture."""
    along = (2 * torch.arange(size) + 1) / size - 1
    v, u = torch.meshgrid(along, along, indexing="ij")
    return torch.stack([u.flatten(), v.flatten()], dim=-1)


def fit_textures(
    clips: Iterable[Rendered], subjects: Sequence[str], size: int, phases: int
) -> Float[Tensor, "subjects 4 phases size size"]:
    """Return the planes of the subjects: colours in -1..1, times opacity, and opacity in 0..1.

    Phases that no clip shows are the mean of the others. Raises ValueError for a subject that is never seen.
    """
    seen = Seen.nothing(len(subjects) * phases, size**2)
    for rendered in clips:
        for row, scene in enumerate(rendered.scenes):
            if _plain(scene) and scene.subject in subjects:
                _look(seen, rendered, row, subjects.index(scene.subject), size, phases)
    planes = torch.stack([_planes(seen, who, phases, name) for who, name in enumerate(subjects)])
    return planes.unflatten(-1, (size, size)).transpose(1, 2).contiguous()


def _plain(scene: Scene) -> bool:
    return all(getattr(scene, kind) == value for kind, value in PLAIN.items())


def _look(seen: Seen, rendered: Rendered, row: int, who: int, size: int, phases: int) -> None:
    """Add what one clip shows of its subject."""
    maps, turns = rendered.maps[row], rendered.loops[row]
    shown: Bool[Tensor, " frames"] = maps.isfinite().all(-1).all(-1)
    shown &= torch.linalg.det(maps[:, :, :2].nan_to_num()).abs() < 1 / FLATTEST
    if not shown.any():
        return
    maps, frames = maps[shown], rendered.frames[row][shown].float() / 127.5 - 1
    back = torch.linalg.inv(maps[:, :, :2])
    places = (texels(size) - maps[:, None, :, 2]) @ back.transpose(1, 2)
    colours = F.grid_sample(frames, 2 * places[:, None], align_corners=False)[:, :, 0]
    there = (places.abs() < 0.5).all(-1).float()
    phase = torch.floor(phases * turns[shown] + 0.5).long() % phases
    seen.add(who * phases + phase, there, colours)


def _planes(seen: Seen, who: int, phases: int, name: str) -> Float[Tensor, "phases 4 texels"]:
    """Return colours times opacity, and opacity, of one subject."""
    own = slice(who * phases, (who + 1) * phases)
    count, colours, squares = seen.count[own], seen.colours[own], seen.squares[own]
    if not count.any():
        raise ValueError(f"no clip shows the subject {name}")
    unseen = count.sum(1) == 0
    count, colours, squares = (
        torch.where(unseen.view(-1, *[1] * (x.ndim - 1)), x.sum(0), x) for x in (count, colours, squares)
    )
    count = count[:, None].clamp(min=1)
    mean = colours / count
    spread = (squares / count - mean.square()).clamp(min=0).mean(1).sqrt()
    low, high = torch.quantile(spread, torch.tensor([0.1, 0.9]), dim=1)[..., None]
    opacity = 1 - ((spread - low) / (high - low).clamp(min=1e-3)).clamp(0, 1)
    return torch.cat([mean * opacity[:, None], opacity[:, None]], dim=1)
