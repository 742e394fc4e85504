"""What a model's clips may be: rules for lengths, sizes and frame rates, as data.

Each model says its own: a TOML file of the catalogue for an open-weight model, the manifest for Toybox, nearly nothing
for a server. Nothing else in the package rounds a length or a size.
"""

import math
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FrameRule(_Rule):
    """Legal lengths in frames: `offset + step * k` from `least` to `most`, or one of `choices`."""

    step: Annotated[int, Field(ge=1)] = 4
    offset: Annotated[int, Field(ge=0)] = 1
    default: int
    most: int
    least: int = 1
    choices: tuple[int, ...] = ()

    @property
    def longest(self) -> int:
        """The most frames that are legal."""
        return self.snap(max((self.most, *self.choices)))

    @property
    def shortest(self) -> int:
        """The fewest frames that are legal."""
        return self.snap(1)

    def snap(self, frames: float | int) -> int:
        """Return the nearest legal number of frames, the longer one on a tie."""
        if self.choices:
            return min(self.choices, key=lambda count: (abs(count - frames), -count))
        return self._at(math.floor((frames - self.offset) / self.step + 0.5))

    def snap_up(self, frames: float | int) -> int:
        """Return the smallest legal number of frames that is no smaller, or else the largest."""
        if self.choices:
            return min((count for count in self.choices if count >= frames), default=max(self.choices))
        return self._at(math.ceil((frames - self.offset) / self.step))

    def snap_down(self, frames: float | int) -> int:
        """Return the largest legal number of frames that is no larger, or else the smallest."""
        if self.choices:
            return max((count for count in self.choices if count <= frames), default=min(self.choices))
        return self._at(math.floor((frames - self.offset) / self.step))

    def _at(self, steps: int) -> int:
        """Return the number of frames so many steps from the offset, kept within `least` and `most`."""
        bottom = max(0, -(-(max(1, self.least) - self.offset) // self.step))
        top = (self.most - self.offset) // self.step
        return self.offset + self.step * min(max(bottom, steps), top)

    def __str__(self) -> str:
        """Say the rule as a person would."""
        if self.choices:
            return " or ".join(str(count) for count in self.choices)
        rule = "any number" if self.step == 1 else f"{self.step}k" + f"+{self.offset}" * bool(self.offset)
        return f"{rule}, at most {self.most}"


class SizeRule(_Rule):
    """Legal sizes: sides that are multiples of `multiple` with at most `most_pixels`, or one of `choices`."""

    multiple: int = 16
    default: tuple[int, int]
    most_pixels: int
    choices: tuple[tuple[int, int], ...] = ()

    @property
    def usual(self) -> tuple[tuple[int, int], ...]:
        """Return the sizes to name where some must be named: all choices, or the default."""
        return self.choices or (self.default,)

    def snap(self, size: tuple[float | int, float | int]) -> tuple[int, int]:
        """Return the legal size nearest to (width, height): of the same shape as far as the multiple lets it be."""
        width, height = size
        if self.choices:
            far = {
                legal: abs(math.log(legal[0] / width)) + abs(math.log(legal[1] / height))
                for legal in self.choices
            }
            return min(self.choices, key=lambda legal: far[legal])
        shrink = min(1.0, math.sqrt(self.most_pixels / (width * height)))
        sides = [max(1, round(side * shrink / self.multiple)) * self.multiple for side in size]
        while sides[0] * sides[1] > self.most_pixels and max(sides) > self.multiple:
            sides[sides.index(max(sides))] -= self.multiple
        return sides[0], sides[1]

    def of_ratio(self, ratio: float | int) -> tuple[int, int]:
        """Return the size of a ratio of width to height that has about as many pixels as the default."""
        width, height = self.default
        high = math.sqrt(width * height / ratio)
        return self.snap((high * ratio, high))

    def __str__(self) -> str:
        """Say the rule as a person would."""
        return (
            "has sizes of its own" if self.choices else f"makes sides that are multiples of {self.multiple}"
        )


class RateRule(_Rule):
    """Legal frame rates: any from `least` to `most` frames a second."""

    default: float
    least: float
    most: float

    @classmethod
    def only(cls, fps: float) -> "RateRule":
        """Return the rule of a model with one frame rate."""
        return cls(default=fps, least=fps, most=fps)

    @property
    def is_fixed(self) -> bool:
        """Whether there is only one."""
        return self.least == self.most

    def snap(self, fps: float) -> float:
        """Return the nearest legal rate."""
        return min(max(fps, self.least), self.most)
