"""The judge: one small network that says what a clip shows, to measure how well a model follows its words.

Two trunks share the clip. The *stills* trunk looks at a few frames and learns what things look like; the
*motion* trunk looks at every frame, small, beside the optical flow between them, and learns how they move.
The flow is the closed-form least-squares estimate of Lucas and Kanade (1981), so it needs no training; with
the subject's box as a further target of both trunks, a few thousand clips are enough. Convolutions are
followed by batch norm, which `fold_norms` works into them for shipping.
"""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

MOTION_HEADS = ("action", "camera")
"""Heads that read the motion trunk; `subject` reads the attended stills, all others the whole stills."""

CELL = 8
"""Side, in pixels of the judged picture, of one cell of the maps that say where the subject is."""


@dataclass(frozen=True)
class JudgeConfig:
    """Size of the judged clip, names and class counts of the heads, and widths of the trunks."""

    heads: tuple[tuple[str, int], ...]
    frames: int = 17
    size: int = 96
    stills: int = 5
    still_widths: tuple[int, int, int] = (32, 64, 96)
    motion_widths: tuple[int, int] = (40, 64)
    embedding: int = 128

    def still_frames(self) -> list[int]:
        """Return the indices of the frames that the stills trunk looks at, evenly spread, off the ends."""
        return [round((i + 0.5) * self.frames / self.stills - 0.5) for i in range(self.stills)]


@dataclass(frozen=True)
class Judgement:
    """Logits per head, the subject's embedding (unit length), and where both trunks place the subject."""

    logits: Mapping[str, Tensor]
    embedding: Tensor
    still_where: Tensor
    motion_where: Tensor
    path: Tensor


class Block(nn.Module):
    """Two 3x3 convolutions with batch norm, added to their input.

    With `steps`, a quarter of the channels each comes from the step before and the step after (temporal
    shift, Lin et al. 2019).
    """

    def __init__(self, channels: int, steps: int = 1):
        super().__init__()
        self.steps = steps
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n channels h w"]:
        y = shift_steps(x, self.steps) if self.steps > 1 else x
        y = F.relu(self.norm1(self.conv1(y)))
        return F.relu(x + self.norm2(self.conv2(y)))


class Down(nn.Module):
    """A strided convolution with batch norm between two sizes of a trunk."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, padding: int = 0):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride=stride, padding=padding, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c2 h2 w2"]:
        return F.relu(self.norm(self.conv(x)))


def shift_steps(x: Float[Tensor, "n channels h w"], steps: int) -> Float[Tensor, "n channels h w"]:
    """Shift a quarter of the channels one step later and a quarter one step earlier, zeros coming in."""
    x = rearrange(x, "(b t) c h w -> b t c h w", t=steps)
    quarter = x.shape[2] // 4
    later = F.pad(x[:, :-1, :quarter], (0, 0, 0, 0, 0, 0, 1, 0))
    earlier = F.pad(x[:, 1:, quarter : 2 * quarter], (0, 0, 0, 0, 0, 0, 0, 1))
    return rearrange(torch.cat([later, earlier, x[:, :, 2 * quarter :]], dim=2), "b t c h w -> (b t) c h w")


def local_flow(grey: Float[Tensor, "batch frames h w"], cell: int) -> Float[Tensor, "batch pairs 3 h2 w2"]:
    """Estimate the motion from each frame to the next, per cell of `cell` pixels.

    Returns (x, y, confidence): pixels per frame, squashed to -3..3, and the texture that the estimate rests
    on, squashed to 0..1.
    """
    mean, change = (grey[:, 1:] + grey[:, :-1]) / 2, grey[:, 1:] - grey[:, :-1]
    padded = F.pad(mean, (1, 1, 1, 1), mode="replicate")
    dx = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    dy = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    products = torch.stack([dx * dx, dx * dy, dy * dy, dx * change, dy * change], dim=2)
    window = F.avg_pool2d(rearrange(products, "b t k h w -> (b t) k h w"), 2 * cell, cell, cell // 2)
    xx, xy, yy, xt, yt = window.unbind(1)
    xx, yy = xx + 2e-4, yy + 2e-4
    area = xx * yy - xy * xy
    u, v = (xy * yt - yy * xt) / area, (xy * xt - xx * yt) / area
    texture = (area / (xx + yy)).clamp(min=1e-9)
    flow = torch.stack([3 * torch.tanh(u / 3), 3 * torch.tanh(v / 3), texture / (texture + 1e-3)], dim=1)
    return rearrange(flow, "(b t) k h w -> b t k h w", t=grey.shape[1] - 1)


def flow_moments(
    flow: Float[Tensor, "batch pairs 3 h w"], bands: int
) -> Float[Tensor, "batch pairs bands 7"]:
    """Sum flow up per horizontal band: mean motion, and how it changes across and up the picture.

    Bands, because far layers (at the top) move less than near ones when the camera moves.
    """
    height, width = flow.shape[-2:]
    y = torch.linspace(-1, 1, height, device=flow.device)[:, None].expand(height, width)
    x = torch.linspace(-1, 1, width, device=flow.device).expand(height, width)
    u, v, sure = flow.unbind(2)
    terms = torch.stack([u, v, u * x, u * y, v * x, v * y], dim=2) * sure[:, :, None]
    total = rearrange(terms, "b t k (n r) w -> b t n k (r w)", n=bands).mean(-1)
    weight = rearrange(sure, "b t (n r) w -> b t n 1 (r w)", n=bands).mean(-1)
    return torch.cat([total / (weight + 1e-2), weight], dim=-1)


class StillsTrunk(nn.Module):
    """Frames to maps at an eighth of their size (who, where) and at a sixteenth (the place)."""

    def __init__(self, config: JudgeConfig):
        super().__init__()
        quarter, eighth, sixteenth = config.still_widths
        self.near = nn.Sequential(Down(3, quarter, 6, 4, 1), Block(quarter), Down(quarter, eighth, 2, 2))
        self.who = nn.Sequential(Block(eighth), Block(eighth))
        self.place = nn.Sequential(Down(eighth, sixteenth, 2, 2), Block(sixteenth))
        self.where = nn.Conv2d(eighth, 1, 1)

    def forward(self, stills: Float[Tensor, "batch stills 3 size size"]) -> tuple[Tensor, Tensor, Tensor]:
        """Return the attended features [batch eighth], those of the place, and the attention per still.

        The attention [batch stills h w] sums to 1 over all stills together, so that the clearest counts most.
        """
        batch, count = stills.shape[:2]
        who = self.who(self.near(rearrange(stills, "b t c h w -> (b t) c h w")))
        place = self.place(who)
        scores = rearrange(self.where(who).float(), "(b t) 1 h w -> b (t h w)", b=batch)
        attention = scores.softmax(-1)
        features = rearrange(who, "(b t) c h w -> b (t h w) c", b=batch)
        attended = (attention[:, None] @ features.float())[:, 0]
        means = rearrange(place.mean((-2, -1)), "(b t) c -> b t c", b=batch).mean(1)
        peaks = rearrange(place.amax((-2, -1)), "(b t) c -> b t c", b=batch).mean(1)
        where = rearrange(attention, "b (t h w) -> b t h w", t=count, h=who.shape[-2])
        return attended, torch.cat([means, peaks], dim=-1), where


class MotionTrunk(nn.Module):
    """All frames at half size, two a step, with the flow between them, to one feature vector per clip."""

    def __init__(self, config: JudgeConfig):
        super().__init__()
        shallow, deep = config.motion_widths
        steps = config.frames // 2
        self.cell = CELL // 2
        self.stem = Down(6, shallow - 6, 6, self.cell, 1)
        self.shallow = nn.Sequential(Block(shallow, steps), Block(shallow, steps))
        self.where = nn.Conv2d(shallow, 1, 1)
        self.deep = nn.Sequential(Down(shallow, deep, 2, 2), Block(deep, steps))
        self.bands = 3
        self.moments = 7 * self.bands * (config.frames - 1)
        self.step = nn.Linear(2 * deep + 2 * shallow + 6, 96)
        self.features = 96 * steps

    def forward(self, frames: Float[Tensor, "batch frames 3 half half"]) -> tuple[Tensor, Tensor, Tensor]:
        """Return features per step [batch features], moments of the flow [batch moments] and the attention
        [batch steps h w], which sums to 1 in each step."""
        batch = frames.shape[0]
        flow = local_flow(frames.float().mean(2), self.cell)
        pairs = rearrange(frames[:, :-1], "b (t r) c h w -> (b t) (r c) h w", r=2)
        pair_flow = rearrange(flow, "b (t r) k h w -> (b t) (r k) h w", r=2)
        stem = self.stem(pairs)
        shallow = self.shallow(torch.cat([stem, pair_flow.to(stem.dtype)], dim=1))
        deep = self.deep(shallow)
        where = self.where(shallow).float().flatten(1).softmax(-1)
        here = lambda maps: (maps.float().flatten(2) @ where[:, :, None])[..., 0]  # noqa: E731
        side = shallow.shape[-1]
        line = torch.linspace(-1, 1, side, device=frames.device)
        rows, columns = line.repeat_interleave(side), line.repeat(side)
        x, y = where @ columns, where @ rows
        spread = where @ columns.square() - x.square(), where @ rows.square() - y.square()
        place = torch.stack(
            [x, y, *(s.clamp(min=1e-6).sqrt() for s in spread), where.amax(-1), x * y], dim=-1
        )
        everywhere = torch.cat([deep.mean((-2, -1)), deep.amax((-2, -1)), shallow.amax((-2, -1))], dim=-1)
        step = F.relu(self.step(torch.cat([everywhere.float(), here(shallow), place], dim=-1)))
        moments = flow_moments(flow, self.bands).flatten(1)
        return (
            rearrange(step, "(b t) c -> b (t c)", b=batch),
            moments,
            rearrange(where, "(b t) (h w) -> b t h w", b=batch, h=side),
        )


class Judge(nn.Module):
    """Both trunks and the heads. Takes clips of exactly `config.frames` frames of `config.size` squared."""

    def __init__(self, config: JudgeConfig):
        super().__init__()
        self.config = config
        self.stills = StillsTrunk(config)
        self.motion = MotionTrunk(config)
        _, eighth, sixteenth = config.still_widths
        counts = dict(config.heads)
        self.embed = nn.Linear(eighth, config.embedding)
        self.classes = nn.Parameter(
            torch.randn(counts["subject"], config.embedding) / math.sqrt(config.embedding)
        )
        self.sharpness = nn.Parameter(torch.tensor(12.0))
        self.place_heads = nn.ModuleDict(
            {
                name: nn.Linear(2 * sixteenth, n)
                for name, n in counts.items()
                if name not in (*MOTION_HEADS, "subject")
            }
        )
        self.mix = nn.Sequential(
            nn.Linear(self.motion.features + self.motion.moments, 256), nn.ReLU(), nn.Dropout(0.1)
        )
        self.motion_heads = nn.ModuleDict({name: nn.Linear(256, counts[name]) for name in MOTION_HEADS})
        self.path = nn.Linear(256, 4)

    def forward(self, clip: Float[Tensor, "batch frames 3 size size"]) -> Judgement:
        """Judge clips with values in 0..1."""
        stills = torch.stack([clip[:, i] for i in self.config.still_frames()], dim=1)
        half = F.avg_pool2d(rearrange(clip, "b t c h w -> (b t) c h w"), 2)
        return self.look(stills, rearrange(half, "(b t) c h w -> b t c h w", b=clip.shape[0]))

    def look(
        self,
        stills: Float[Tensor, "batch stills 3 size size"],
        frames: Float[Tensor, "batch frames 3 half half"],
    ) -> Judgement:
        """Judge clips by any number of their frames, and by all their frames at half the size."""
        attended, place, still_where = self.stills(stills * 2 - 1)
        motion, moments, motion_where = self.motion(frames * 2 - 1)
        embedding = F.normalize(self.embed(attended), dim=-1)
        logits = {"subject": self.sharpness * embedding @ F.normalize(self.classes, dim=-1).T}
        logits |= {name: head(place) for name, head in self.place_heads.items()}
        mixed = self.mix(torch.cat([motion, moments], dim=-1))
        logits |= {name: head(mixed) for name, head in self.motion_heads.items()}
        ordered = {name: logits[name].float() for name, _ in self.config.heads}
        return Judgement(ordered, embedding, still_where, motion_where, self.path(mixed))


class JudgeGraph(nn.Module):
    """The judge as it is exported: a clip in, the logits of each head in order, the embedding and the heat out."""

    def __init__(self, judge: Judge):
        super().__init__()
        self.judge = judge

    def forward(self, clip: Float[Tensor, "batch frames 3 size size"]) -> tuple[Tensor, ...]:
        """Return a logits tensor per head of the configuration, the subject's embedding, and where it is seen."""
        judgement = self.judge(clip)
        return (*judgement.logits.values(), judgement.embedding, judgement.still_where)


def fold_norms(judge: Judge) -> Judge:
    """Return a copy, in evaluation mode, whose batch norms are worked into the convolutions before them."""
    folded = copy.deepcopy(judge).eval()
    for module in folded.modules():
        for conv, norm in (("conv", "norm"), ("conv1", "norm1"), ("conv2", "norm2")):
            if isinstance(getattr(module, norm, None), nn.BatchNorm2d):
                setattr(module, conv, fuse_conv_bn_eval(getattr(module, conv), getattr(module, norm)))
                setattr(module, norm, nn.Identity())
    return folded
