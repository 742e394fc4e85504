"""The diffusion transformer: one sequence of space-time tokens, each with its own noise level.

What is given has level 0, what is wanted starts at level 1 (rectified flow: `x_t = (1 - t) clean + t noise`). The
network returns the clean tokens. It knows nothing of grids: positions (seconds, y, x) and the camera come with the
tokens, so any length, shape and, later, a line of sound tokens can share the sequence.
Sources: DiT with AdaLN-single (PixArt-alpha, arXiv 2310.00426), 3-axis rotary positions, QK-norm, SwiGLU,
x-prediction (JiT, arXiv 2511.13720), token routing in training (TREAD, arXiv 2501.04765).
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn


@dataclass(frozen=True)
class DiTConfig:
    """Size of the transformer; `channels` are the per-token extras: given mask, source latents, camera."""

    latent_channels: int = 352
    channels: int = 361
    dim: int = 256
    heads: int = 4
    depth: int = 8
    text_dim: int = 256
    hidden: int = 704
    modulation: int = 128
    cross_every: int = 2
    field: int = 512
    field_depth: int = 2
    page: int = 32
    phases: int = 8
    """Points across a page, and pictures of its animation; see `PageSampler`."""
    axes: tuple[int, int, int] = (8, 12, 12)
    """Rotary frequencies per axis (seconds, y, x); together half of the head's width."""


def fourier(levels: Float[Tensor, "batch tokens"], width: int = 64) -> Float[Tensor, "batch tokens width"]:
    """Embed noise levels 0..1 as sines and cosines of geometric frequencies up to 1000."""
    frequencies = torch.exp(torch.linspace(0, math.log(1000.0), width // 2, device=levels.device))
    angles = levels[..., None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


DEPTHS = (0.0, 0.2, 0.6, 1.0, 1.5)
"""Planes of a scene on which a token's place is told: 0 never moves with the camera, 1 is where the subject is."""
SUBJECT = 34
"""Numbers that are told of one subject; see `subject_channels`."""
PLACES = 38 + 28 * len(DEPTHS) + 132
"""Features of one token's place; see `places` and `nearness`."""


def waves(x: Float[Tensor, "*rest n"], octaves: tuple[float, ...]) -> Float[Tensor, "*rest features"]:
    """Return the cosine and sine of each number at 2 pi times each frequency."""
    angles = (x[..., None] * (2 * math.pi * torch.tensor(octaves, device=x.device))).flatten(-2)
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


def places(
    camera: Float[Tensor, "batch tokens 8"], positions: Float[Tensor, "tokens 3"]
) -> Float[Tensor, "batch tokens features"]:
    """Return where each token is: on the screen, in time, and on the planes that the camera shows through it.

    The points on the planes (what rays are to a solid scene: CameraCtrl, arXiv 2404.02101) make a moving camera easy:
    what is seen through a token depends on them, not on the move. Units are picture widths and heights.
    """
    camera, positions = camera.float(), positions.float()
    seconds, cells = positions[:, :1], positions[:, 1:]
    each = torch.zeros_like(camera[..., :1])
    screen = cells / (2 * cells.abs().amax(0) + 1) + each
    x, y, zoom, roll = camera[..., :4].unbind(-1)
    size = torch.exp(-math.log(2) * zoom)
    up, across = screen.unbind(-1)
    across, up = (
        size * (across * roll.cos() - up * roll.sin()),
        size * (across * roll.sin() + up * roll.cos()),
    )
    spots = [torch.stack([across + depth * x, up - depth * y], dim=-1) for depth in DEPTHS]
    before, first = (seconds < 0).to(seconds.dtype), (seconds == 0).to(seconds.dtype)
    when = torch.cat([waves(seconds, (0.125, 0.25, 0.5, 1.0)), before, first], dim=-1)
    return torch.cat(
        [
            *(waves(spot, (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)) for spot in spots),
            waves(screen, (0.25, 0.5, 1.0, 2.0)),
            waves(zoom[..., None], (0.5, 1.0, 2.0)),
            when + each,
            2 * camera[..., 2:4],
            10 * camera[..., 4:8],
        ],
        dim=-1,
    )


def nearness(
    subject: Float[Tensor, "*batch tokens 34"], positions: Float[Tensor, "tokens 3"]
) -> Float[Tensor, "*batch tokens features"]:
    """Return where on the subject each token lies, now and a latent frame before; all 0 where that is not known.

    With it a subject is drawn as a set is: as what is to be seen at a place of its own picture (-1..1 across). The
    places under the four edges of the token say which way round that is: mirrored, turned, near or far.
    """
    subject, cells = subject.float(), positions[:, 1:].float()
    known, maps, phase = subject[..., :1], subject[..., 1:13], subject[..., 13:15]
    up, across = (cells / (2 * cells.abs().amax(0) + 1)).unbind(-1)
    half = 0.5 / (2 * cells.abs().amax(0) + 1)
    points, gates, edges = [], [], []
    for a, b, c, d, e, f in (maps[..., :6].unbind(-1), maps[..., 6:].unbind(-1)):
        point = torch.stack([a * across + b * up + c, d * across + e * up + f], dim=-1).clamp(-4, 4)
        points.append(point)
        gates.append(torch.exp(-0.25 * point.square().sum(-1, keepdim=True)))
        along, down = half[1] * torch.stack([a, d], dim=-1), half[0] * torch.stack([b, e], dim=-1)
        edges.append(
            torch.cat([point - along, point + along, point - down, point + down], dim=-1).clamp(-4, 4)
        )
    rows = maps.unflatten(-1, (4, 3))[..., :2]
    squares = 1e-2 + rows.square().sum(-1)
    turned = (rows * torch.rsqrt(squares)[..., None]).flatten(-2)
    octaves = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
    parts = [gate * waves(point, octaves) for point, gate in zip(points, gates, strict=True)]
    parts.append(gates[0] * waves(edges[0], (0.25, 0.5, 1.0, 2.0)))
    rest = [turned, *gates, *(point * 0.5 for point in points), torch.log(squares) / 2, phase]
    return known * torch.cat([*parts, *rest], dim=-1)


class Rotary(nn.Module):
    """Rotary positions over (seconds, y, x): nearby tokens see each other's offset, not their places."""

    table: Tensor

    def __init__(self, axes: tuple[int, int, int]):
        super().__init__()
        longest = (16.0, 64.0, 64.0)
        parts = [2 * math.pi / top ** torch.linspace(0, 1, n) for n, top in zip(axes, longest, strict=True)]
        parts = [part * scale for part, scale in zip(parts, (0.5, 0.25, 0.25), strict=True)]
        table = torch.zeros(3, sum(axes))
        start = 0
        for axis, part in enumerate(parts):
            table[axis, start : start + len(part)] = part
            start += len(part)
        self.register_buffer("table", table)

    def forward(self, positions: Float[Tensor, "tokens 3"]) -> tuple[Tensor, Tensor]:
        """Return cosines and sines, `float[tokens half-of-head]`."""
        angles = positions.float() @ self.table
        return angles.cos(), angles.sin()


def rotate(x: Float[Tensor, "b h n d"], cos: Tensor, sin: Tensor) -> Float[Tensor, "b h n d"]:
    """Rotate pairs of a head's numbers by the token's angles (RoFormer, arXiv 2104.09864)."""
    a, b = x.float().chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1).to(x.dtype)


class RMSNorm(nn.Module):
    """Root-mean-square norm over the last axis, in the input's own precision (which autocast would raise)."""

    def __init__(self, dim: int, affine: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim)) if affine else None

    def forward(self, x: Float[Tensor, "*rest dim"]) -> Float[Tensor, "*rest dim"]:
        with torch.autocast(x.device.type, enabled=False):
            y = x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)
            return y if self.weight is None else y * self.weight.to(x.dtype)


def attend(
    q: Float[Tensor, "b h n d"],
    k: Float[Tensor, "b h m d"],
    v: Float[Tensor, "b h m d"],
    mask: Bool[Tensor, "b 1 1 m"] | None = None,
) -> Float[Tensor, "b h n d"]:
    """Scaled dot-product attention; on a CPU written out, which for a few hundred tokens is twice as fast."""
    if q.is_cuda:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e4)
    return scores.softmax(-1, dtype=q.dtype) @ v


class Attention(nn.Module):
    """Self-attention over all tokens with normed queries and keys."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.out = nn.Linear(dim, dim, bias=False)
        self.q_norm, self.k_norm = RMSNorm(dim // heads), RMSNorm(dim // heads)

    def forward(self, x: Float[Tensor, "b n d"], cos: Tensor, sin: Tensor) -> Float[Tensor, "b n d"]:
        q, k, v = rearrange(self.qkv(x), "b n (three h d) -> three b h n d", three=3, h=self.heads)
        q, k = rotate(self.q_norm(q), cos, sin), rotate(self.k_norm(k), cos, sin)
        y = attend(q.to(v.dtype), k.to(v.dtype), v)
        return self.out(rearrange(y, "b h n d -> b n (h d)"))


class CrossAttention(nn.Module):
    """Attention from the tokens to the words of the prompt."""

    def __init__(self, dim: int, heads: int, text_dim: int):
        super().__init__()
        self.heads = heads
        self.norm = RMSNorm(dim)
        self.q = nn.Linear(dim, dim, bias=False)
        self.kv = nn.Linear(text_dim, 2 * dim, bias=False)
        self.out = nn.Linear(dim, dim, bias=False)
        self.q_norm, self.k_norm = RMSNorm(dim // heads), RMSNorm(dim // heads)

    def forward(
        self, x: Float[Tensor, "b n d"], text: Float[Tensor, "b words t"], mask: Bool[Tensor, "b words"]
    ) -> Float[Tensor, "b n d"]:
        q = rearrange(self.q(self.norm(x)), "b n (h d) -> b h n d", h=self.heads)
        k, v = rearrange(self.kv(text), "b n (two h d) -> two b h n d", two=2, h=self.heads)
        q, k = self.q_norm(q).to(v.dtype), self.k_norm(k).to(v.dtype)
        y = attend(q, k, v, mask[:, None, None, :])
        return self.out(rearrange(y, "b h n d -> b n (h d)"))


class Block(nn.Module):
    """Self-attention, attention to the words (in some blocks), SwiGLU; modulated by each token's level."""

    def __init__(self, config: DiTConfig, cross: bool):
        super().__init__()
        dim = config.dim
        self.norm1 = RMSNorm(dim, affine=False)
        self.norm2 = RMSNorm(dim, affine=False)
        self.attention = Attention(dim, config.heads)
        self.cross = CrossAttention(dim, config.heads, config.text_dim) if cross else None
        self.up = nn.Linear(dim, 2 * config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, dim, bias=False)
        self.bias = nn.Parameter(torch.zeros(6, dim))

    def init_weights(self) -> None:
        """Set the initial weights: every branch is silent, and its gate open."""
        nn.init.zeros_(self.attention.out.weight)
        nn.init.zeros_(self.down.weight)
        if self.cross is not None:
            nn.init.zeros_(self.cross.out.weight)
        with torch.no_grad():
            self.bias[[2, 5]] = 1.0

    def forward(
        self,
        x: Float[Tensor, "b n d"],
        modulation: tuple[Float[Tensor, "b n d"], ...],
        rotary: tuple[Tensor, Tensor],
        text: Float[Tensor, "b words t"],
        mask: Bool[Tensor, "b words"],
    ) -> Float[Tensor, "b n d"]:
        biases = self.bias.to(x.dtype).unbind(0)
        shift1, scale1, gate1, shift2, scale2, gate2 = (
            m + b for m, b in zip(modulation, biases, strict=True)
        )
        x = x + gate1 * self.attention(self.norm1(x) * (1 + scale1) + shift1, *rotary)
        if self.cross is not None:
            x = x + self.cross(x, text, mask)
        gate, value = self.up(self.norm2(x) * (1 + scale2) + shift2).chunk(2, dim=-1)
        return x + gate2 * self.down(F.silu(gate) * value)


class FieldBlock(nn.Module):
    """One gated layer of a field."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = RMSNorm(width, affine=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(2 * width, width, bias=False)

    def forward(
        self, x: Float[Tensor, "b n d"], scale: Float[Tensor, "b 1 d"], shift: Float[Tensor, "b 1 d"]
    ) -> Float[Tensor, "b n d"]:
        gate, value = self.up(self.norm(x) * (1 + scale) + shift).chunk(2, dim=-1)
        return x + self.down(F.silu(gate) * value)


PAGE_CHANNELS = 4
SAMPLES = 8
"""Points of a token, across and down, at which pages are looked up: every other pixel."""
FRAMES = 4
"""Frames of a latent frame."""
SHAPES = 64
"""Numbers that say how a token shows its subjects, beside those latents."""


def slot_weights(
    subjects: Float[Tensor, "batch tokens slots 34"], positions: Float[Tensor, "tokens 3"]
) -> Float[Tensor, "batch tokens slots"]:
    """Return how much each subject counts at each token: softly, the one whose own picture is nearest does.

    The weights of the known subjects sum to 1, so what is told of a single one stays as it is; all are 0 where no
    subject is known. A sum over slots would mix up where three subjects are; this keeps each with its surroundings.
    """
    subjects, cells = subjects.float(), positions[:, 1:].float()
    up, across = (cells / (2 * cells.abs().amax(0) + 1)).unbind(-1)
    a, b, c, d, e, f = subjects[..., 1:7].unbind(-1)
    up, across = up[:, None], across[:, None]
    point = torch.stack([a * across + b * up + c, d * across + e * up + f], dim=-1).clamp(-4, 4)
    known = subjects[..., 0]
    return torch.softmax(-point.square().sum(-1) - 1e4 * (1 - known), dim=-1) * known


class PageSampler(nn.Module):
    """What the subjects look like: their pages, looked up where a token shows them, as latents.

    A page is a loop of small pictures that come as an input, so a subject need not be in the training data. The maps
    say where on the pages a token is, the phase which picture. Subjects in the first slots hide those in later ones.
    (Neural textures: arXiv 1904.12356; retrieval-augmented diffusion: arXiv 2204.11824.)
    """

    def __init__(self, config: DiTConfig):
        super().__init__()
        self.tint = nn.Linear(config.text_dim, PAGE_CHANNELS**2)
        self.show = nn.Linear(
            PAGE_CHANNELS * FRAMES * SAMPLES**2, config.latent_channels + SHAPES, bias=False
        )

    def forward(
        self,
        subjects: Float[Tensor, "batch tokens slots 34"],
        pages: Float[Tensor, "batch slots 4 phases size size"],
        cells: Float[Tensor, "#batch tokens 2"],
        size: Float[Tensor, " 2"],
        pooled: Float[Tensor, "batch text_dim"],
    ) -> Float[Tensor, "batch tokens looks"]:
        """Return what the tokens at `cells` (y, x from the middle, of a picture of `size` cells) show of the subjects.

        `pages` are premultiplied RGBA in 0..1. The first numbers that come back are latents, the other `SHAPES` are
        whatever the field makes of them.
        """
        batch, slots, _, phases = pages.shape[:4]
        with torch.autocast(subjects.device.type, enabled=False):
            # Colours in -1..1 times alpha: grey and absent points are both 0, as in the latents' linear code.
            signed = torch.cat([2 * pages[:, :, :3] - pages[:, :, 3:], pages[:, :, 3:]], dim=2)
            looped = torch.cat([signed, signed[:, :, :, :1]], dim=3).flatten(0, 1)
            told = rearrange(subjects.float(), "b n s c -> b s n c")
            where = self._look_up(told, cells[:, None], size, phases).flatten(0, 1)
            seen = F.grid_sample(looped, where, align_corners=False).unflatten(0, (batch, slots))
            seen = seen * told[:, :, None, :, :1, None]
            # A point shows what the slots before it let through: one factor for each of them.
            through = torch.log((1 - seen[:, :, 3:]).clamp(min=1e-4))
            points = (seen * torch.exp(torch.cumsum(through, dim=1) - through)).sum(1)
            # Light and style mix the channels: noir needs grey out of all colours, night what alpha says is there.
            mixed = self.tint(pooled.float()).unflatten(-1, (PAGE_CHANNELS, PAGE_CHANNELS))
            points = points + (mixed @ points.flatten(2)).view(points.shape)
        return self.show(rearrange(points, "b c n f p -> b n (c f p)"))

    def _look_up(
        self,
        subject: Float[Tensor, "batch slots tokens 34"],
        cells: Float[Tensor, "#batch 1 tokens 2"],
        size: Tensor,
        phases: int | Tensor,
    ) -> Float[Tensor, "batch slots tokens frames points 3"]:
        """Return where on the page every point of every frame of the tokens is: u, v and phase, in -1..1."""
        steps = (torch.arange(SAMPLES, device=subject.device) + 0.5) / SAMPLES - 0.5
        up = ((cells[..., :1, None] + steps[:, None]) / size[0]).expand(-1, -1, -1, -1, SAMPLES).flatten(-2)
        across = ((cells[..., 1:, None] + steps[None]) / size[1]).expand(-1, -1, -1, SAMPLES, -1).flatten(-2)
        maps = torch.cat([subject[..., 16:34], subject[..., 1:7]], dim=-1).unflatten(-1, (FRAMES, 6))
        a, b, c, d, e, f = maps[..., None].unbind(-2)
        up, across = up[..., None, :], across[..., None, :]
        turns = torch.atan2(subject[..., 14:15], subject[..., 13:14]) / (2 * math.pi)
        back = 1 - torch.arange(1, FRAMES + 1, device=subject.device) / FRAMES
        turns = turns - back * subject[..., 15:16]
        phase = (2 * phases * (turns - turns.floor()) + 1) / (phases + 1) - 1
        u, v = a * across + b * up + c, d * across + e * up + f
        return torch.stack([u, v, phase[..., None].expand_as(u)], dim=-1)


class NeuralField(nn.Module):
    """What is to be seen at a place, by the words alone: a perceptron over its features, which the words modulate.

    It draws the mean of all clips of those words, camera and blocking: blurred, but in the right place. The
    transformer starts from there. (Fourier features: arXiv 2006.10739.)
    """

    def __init__(self, config: DiTConfig):
        super().__init__()
        width, depth = config.field, config.field_depth
        self.embed = nn.Linear(PLACES, width)
        self.looks = nn.Linear(config.latent_channels + SHAPES, width, bias=False)
        self.words = nn.Linear(config.text_dim, 2 * width * (1 + depth))
        self.blocks = nn.ModuleList(FieldBlock(width) for _ in range(depth))
        self.norm = RMSNorm(width, affine=False)
        self.head = nn.Linear(width, config.latent_channels)

    def forward(
        self,
        place: Float[Tensor, "batch tokens features"],
        looks: Float[Tensor, "batch tokens looks"],
        pooled: Float[Tensor, "batch text_dim"],
    ) -> Float[Tensor, "batch tokens latent"]:
        """Return the mean clean tokens; `looks` is what `PageSampler` returns there."""
        told = self.words(pooled)[:, None].chunk(2 * (1 + len(self.blocks)), dim=-1)
        scales, shifts = told[0::2], told[1::2]
        x = (self.embed(place) + self.looks(looks)) * (1 + scales[0]) + shifts[0]
        for block, scale, shift in zip(self.blocks, scales[1:], shifts[1:], strict=True):
            x = block(x, scale, shift)
        return self.head(self.norm(x)) + looks[..., : self.head.out_features]


class ContextEmbedder(nn.Module):
    """What each token is told before the first step: it does not depend on the noise, so it is worked out once."""

    def __init__(self, config: DiTConfig):
        super().__init__()
        self.config = config
        self.about = nn.Linear(config.channels + SUBJECT, config.dim)
        self.pooled = nn.Linear(config.text_dim, config.modulation)
        self.place = nn.Linear(PLACES, config.dim + config.modulation, bias=False)
        self.pages = PageSampler(config)
        self.field = NeuralField(config)
        self.field_proj = nn.Linear(config.latent_channels, config.dim, bias=False)

    def init_weights(self) -> None:
        """Set the initial weights: small words, silent outputs."""
        nn.init.normal_(self.field.words.weight, std=0.02)
        for quiet in (self.place, self.field_proj, self.field.head, self.pages.tint, self.pages.show):
            nn.init.zeros_(quiet.weight)

    def draw_field(
        self,
        channels: Float[Tensor, "batch tokens extra"],
        subjects: Float[Tensor, "batch tokens slots 34"],
        pages: Float[Tensor, "batch slots 4 phases size size"],
        positions: Float[Tensor, "tokens 3"],
        pooled: Float[Tensor, "batch text_dim"],
        chosen: Int[Tensor, "batch chosen"] | None = None,
    ) -> tuple[Float[Tensor, "batch some features"], Float[Tensor, "batch some latent"]]:
        """Return the features of the places of all tokens, or of the chosen ones, and what the field draws there."""
        camera = channels[..., 1 + self.config.latent_channels :]
        cells = positions[:, 1:].float()
        size = 2 * cells.abs().amax(0) + 1
        shares = slot_weights(subjects, positions)
        near = nearness(rearrange(subjects, "b n s c -> b s n c"), positions)
        near = (rearrange(shares, "b n s -> b s n 1") * near).sum(1)
        features = torch.cat([places(camera, positions), near], dim=-1)
        here = cells[None]
        if chosen is not None:
            features = features.gather(1, chosen[..., None].expand(-1, -1, features.shape[-1]))
            subjects = subjects.gather(1, chosen[..., None, None].expand(-1, -1, *subjects.shape[2:]))
            here = cells[chosen]
        looks = self.pages(subjects, pages, here, size, pooled)
        return features, self.field(features, looks, pooled)

    def forward(
        self,
        channels: Float[Tensor, "batch tokens extra"],
        subjects: Float[Tensor, "batch tokens slots 34"],
        pages: Float[Tensor, "batch slots 4 phases size size"],
        positions: Float[Tensor, "tokens 3"],
        pooled: Float[Tensor, "batch text_dim"],
    ) -> tuple[
        Float[Tensor, "batch tokens dim"],
        Float[Tensor, "batch tokens modulation"],
        Float[Tensor, "batch tokens latent"],
    ]:
        """Return what is added to the embedded tokens and to their levels, and what the field alone draws."""
        features, field = self.draw_field(channels, subjects, pages, positions, pooled)
        place, view = self.place(features).split([self.config.dim, self.config.modulation], dim=-1)
        shares = slot_weights(subjects, positions)
        told = (shares[..., None] * subjects.float()).sum(2).to(channels.dtype)
        base = self.about(torch.cat([channels, told], dim=-1)) + place + self.field_proj(field)
        return base, self.pooled(pooled)[:, None] + view, field


class Denoiser(nn.Module):
    """The transformer proper: noisy tokens, their levels and their context, to clean tokens."""

    def __init__(self, config: DiTConfig):
        super().__init__()
        self.embed = nn.Linear(config.latent_channels, config.dim, bias=False)
        self.rotary = Rotary(config.axes)
        self.level = nn.Linear(64, config.modulation)
        self.field_gate = nn.Linear(config.modulation, config.latent_channels)
        self.modulate = nn.Linear(config.modulation, 6 * config.dim)
        self.blocks = nn.ModuleList(Block(config, i % config.cross_every == 0) for i in range(config.depth))
        self.norm = RMSNorm(config.dim)
        self.head = nn.Linear(config.dim, config.latent_channels)

    def init_weights(self) -> None:
        """Set the initial weights: gates at one with small output layers, a silent head."""
        nn.init.normal_(self.modulate.weight, std=0.02)
        for quiet in (self.modulate.bias, self.field_gate.weight, self.head.weight, self.head.bias):
            nn.init.zeros_(quiet)
        for block in self.blocks:
            assert isinstance(block, Block)
            block.init_weights()

    def forward(
        self,
        video: Float[Tensor, "batch tokens latent"],
        levels: Float[Tensor, "batch tokens"],
        base: Float[Tensor, "batch tokens dim"],
        view: Float[Tensor, "batch tokens modulation"],
        field: Float[Tensor, "batch tokens latent"],
        positions: Float[Tensor, "tokens 3"],
        text: Float[Tensor, "batch words text_dim"],
        mask: Bool[Tensor, "batch words"],
        keep: Int[Tensor, " kept"] | None = None,
    ) -> Float[Tensor, "batch tokens latent"]:
        """Return the clean tokens. `keep` (training only) names the tokens that take the middle blocks."""
        heard = torch.cat([torch.ones_like(mask[:, :1]), mask[:, 1:]], dim=1)
        rotary = self.rotary(positions)
        x = self.embed(video) + base
        hidden = F.silu(self.level(fourier(levels)) + view)
        modulation = self.modulate(hidden).chunk(6, dim=-1)
        whole, short, around = x, modulation, rotary
        last = len(self.blocks) - 1
        for i, block in enumerate(self.blocks):
            if keep is not None and i == 1:
                whole, x = x, x[:, keep]
                short = tuple(part[:, keep] for part in modulation)
                around = rotary[0][keep], rotary[1][keep]
            if keep is not None and i == last:
                x = whole.index_copy(1, keep, x.to(whole.dtype))
                short, around = modulation, rotary
            x = block(x, short, around, text, heard)
        return self.head(self.norm(x)) + self.field_gate(hidden) * field


class DiT(nn.Module):
    """Noisy tokens, their levels and what is known about them, to clean tokens."""

    def __init__(self, config: DiTConfig):
        super().__init__()
        self.context, self.denoiser = ContextEmbedder(config), Denoiser(config)
        self.context.init_weights()
        self.denoiser.init_weights()

    def forward(
        self,
        video: Float[Tensor, "batch tokens latent"],
        levels: Float[Tensor, "batch tokens"],
        channels: Float[Tensor, "batch tokens extra"],
        subjects: Float[Tensor, "batch tokens slots 34"],
        pages: Float[Tensor, "batch slots 4 phases size size"],
        positions: Float[Tensor, "tokens 3"],
        text: Float[Tensor, "batch words text_dim"],
        mask: Bool[Tensor, "batch words"],
        pooled: Float[Tensor, "batch text_dim"],
        keep: Int[Tensor, " kept"] | None = None,
    ) -> Float[Tensor, "batch tokens latent"]:
        """Return the clean tokens; see `Denoiser.forward`."""
        context = self.context(channels, subjects, pages, positions, pooled)
        return self.denoiser(video, levels, *context, positions, text, mask, keep)
