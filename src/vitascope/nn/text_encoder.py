"""The text encoder: a frozen table of token embeddings with a few transformer layers on top.

The table is wordllama's (MIT), so words that the captions never used still lie near words that they did.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn


@dataclass(frozen=True)
class TextEncoderConfig:
    """Size of the encoder; `vocabulary` and `table_dim` are those of the embedding table."""

    vocabulary: int = 32000
    table_dim: int = 256
    dim: int = 256
    heads: int = 4
    depth: int = 2
    max_words: int = 48


class TextBlock(nn.Module):
    """Pre-norm self-attention over the words, then a SiLU feed-forward layer."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.RMSNorm(dim), nn.RMSNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.out = nn.Linear(dim, dim, bias=False)
        self.up, self.down = nn.Linear(dim, 4 * dim, bias=False), nn.Linear(4 * dim, dim, bias=False)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def forward(
        self, x: Float[Tensor, "batch words dim"], mask: Bool[Tensor, "batch words"]
    ) -> Float[Tensor, "batch words dim"]:
        q, k, v = rearrange(
            self.qkv(self.norm1(x)), "b n (three h d) -> three b h n d", three=3, h=self.heads
        )
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
        x = x + self.out(rearrange(attended, "b h n d -> b n (h d)"))
        return x + self.down(F.silu(self.up(self.norm2(x))))


class TextEncoder(nn.Module):
    """Token ids to one state per word and one for the whole; an all-padding row is the null text."""

    table: Tensor

    def __init__(self, config: TextEncoderConfig, table: Float[Tensor, "vocabulary table_dim"] | None = None):
        super().__init__()
        self.config = config
        if table is None:
            table = torch.zeros(config.vocabulary, config.table_dim)
        self.register_buffer("table", table)
        self.project = nn.Linear(config.table_dim, config.dim, bias=False)
        self.place = nn.Parameter(torch.randn(config.max_words, config.dim) * 0.02)
        self.start = nn.Parameter(torch.randn(config.dim) * 0.02)
        self.blocks = nn.ModuleList(TextBlock(config.dim, config.heads) for _ in range(config.depth))
        self.norm = nn.RMSNorm(config.dim)

    def forward(
        self, ids: Int[Tensor, "batch words"], mask: Bool[Tensor, "batch words"]
    ) -> tuple[Float[Tensor, "batch words dim"], Float[Tensor, "batch dim"]]:
        """Encode ids (mask False = padding). Word 0 is replaced by a learned start state, which is always seen.

        Returns the states of all words and the start state alone, which gathers the whole sentence.
        """
        words = self.project(F.normalize(self.table[ids], dim=-1)) * self.config.dim**0.5
        x = torch.cat([self.start.expand(ids.shape[0], 1, -1).to(words.dtype), words[:, 1:]], dim=1)
        x = x + self.place[: ids.shape[1]]
        seen = torch.cat([torch.ones_like(mask[:, :1]), mask[:, 1:]], dim=1)
        for block in self.blocks:
            x = block(x, seen)
        states = self.norm(x)
        return states, states[:, 0]
