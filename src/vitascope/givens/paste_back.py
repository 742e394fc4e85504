"""An edit of a part of a video goes back into that video: all around it the source's own pixels stay, at its own size.

A model makes small pictures, few a second. Where a mask, a box or a span asks for only a part of a larger video, what
the model made is scaled up and laid into the source, and everything else is the source itself.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from vitascope.givens.canvas import FEATHER, softened
from vitascope.givens.load import sized
from vitascope.media.fit import Placement, place, put_back
from vitascope.media.image import read_mask
from vitascope.media.info import MediaFacts, Pixels
from vitascope.media.inspector import LOCAL, Inspector
from vitascope.media.limits import LIMITS
from vitascope.media.video import EARLY, opened_video, sampled
from vitascope.types import Clip, Given, Shot

Frames = UInt8[np.ndarray, "frames height width 3"]


@dataclass(frozen=True)
class Restorer:
    """Lays what a model makes of a shot into the video that it is a part of.

    `fps` and `num_frames` are those of the result, whose size is the source's own (less a row or column where that is
    odd); `made` says of each of the shot's frames whether anything in it is to be made.
    """

    shot: Shot
    given: Given
    facts: MediaFacts
    placement: Placement
    fps: float
    num_frames: int
    made: Bool[np.ndarray, " frames"]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the result: even, as video is coded."""
        width, height = self.placement.source
        return width - width % 2, height - height % 2

    @property
    def fits(self) -> bool:
        """Whether the result is no more than memory is for."""
        width, height = self.size
        return self.num_frames * width * height * 3 <= LIMITS.memory

    @property
    def note(self) -> str:
        """What is done, in a line."""
        (width, height), shape = self.size, self.shot.video_shape()
        made = f"{shape.width}x{shape.height} at {shape.fps:g} fps"
        if not self.fits:
            return f"{self.facts.name}: {self.num_frames} frames of its own size are too many; all becomes {made}"
        return (
            f"{self.facts.name}: what is not edited stays as it is, {width}x{height} at {self.fps:.4g} fps; "
            f"what is made anew is drawn at {made} and scaled up"
        )

    def restore(self, made: Iterator[Frames]) -> Iterator[Frames]:
        """Yield the frames of the result as soon as what they hold is made."""
        share, rate = self._share(), self.shot.video_shape().fps / self.fps
        with opened_video(self.given.source, self.given.kind) as reel:
            own = sampled(reel.frames(), self.fps, 0.0, self.num_frames)
            there = 0
            for chunk in made:
                last = min(self.num_frames, math.ceil((there + len(chunk)) / rate - 1e-6))
                first = min(self.num_frames, math.ceil(there / rate - 1e-6))
                places = [min(int(n * rate + 1e-6) - there, len(chunk) - 1) for n in range(first, last)]
                if places:
                    wanted = [(chunk[place], self.made[there + place]) for place in places]
                    yield np.stack([self._laid(*each, next(own), share) for each in wanted])
                there += len(chunk)
            for picture in own:
                yield self._cut(picture)[None]

    def _laid(
        self,
        made: UInt8[np.ndarray, "made_height made_width 3"],
        wanted: bool | np.bool_,
        picture: UInt8[np.ndarray, "height width 3"],
        share: Float32[np.ndarray, "height width"],
    ) -> UInt8[np.ndarray, "even_height even_width 3"]:
        return self._cut(put_back(made, picture, self.placement, share) if wanted else picture)

    def _cut(self, picture: Pixels) -> UInt8[np.ndarray, "even_height even_width 3"]:
        width, height = self.size
        return picture[:height, :width]

    def _share(self) -> Float32[np.ndarray, "source_height source_width"]:
        """Return how much of each of the source's pixels is made: 0 all around the edit, 1 in it, soft on its edge."""
        wide, high = self.placement.source
        wanted = np.zeros((high, wide), bool)
        if self.given.mask is not None:
            wanted |= sized(read_mask(self.given.mask, "mask"), (wide, high)) > 0.5
        if self.given.box is not None:
            x, y, width, height = self.given.box
            rows = slice(round(y * high), round((y + height) * high))
            wanted[rows, round(x * wide) : round((x + width) * wide)] = True
        if self.given.mask is None and self.given.box is None:
            wanted[:] = True
        inside = np.zeros_like(wanted)
        inside[self.placement.box.slices] = True
        wanted &= inside
        edge = softened(~wanted, FEATHER * self.placement.box.width / self.placement.inner.width)
        return np.where(wanted, 1 - edge, 0).astype(np.float32)


def restored(clip: Clip, shot: Shot) -> Clip:
    """Return what was made of a planned shot as a part of its source; any clip that is none as it is."""
    found = restorer(shot)
    if found is None:
        return clip
    (width, height), there = found.size, 0
    frames = np.empty((found.num_frames, height, width, 3), np.uint8)
    for chunk in found.restore(iter((clip.frames,))):
        frames[there : there + len(chunk)] = chunk
        there += len(chunk)
    return replace(clip, frames=frames, fps=found.fps)


def restorer(shot: Shot) -> Restorer | None:
    """Return what lays a planned shot into its source; None for one that edits no part of a larger video."""
    found = _found(shot, LOCAL)
    return found if found is not None and found.fits else None


def notes(shot: Shot, inspector: Inspector = LOCAL) -> tuple[str, ...]:
    """Return what will become of the source of a planned shot that edits a part of it."""
    found = _found(shot, inspector)
    return () if found is None else (found.note,)


def _found(shot: Shot, inspector: Inspector) -> Restorer | None:
    given = edited(shot)
    if given is None:
        return None
    facts, shape = inspector.facts(given.source, given.kind), shot.video_shape()
    placement = place(facts.size, (shape.width, shape.height), given.fit)
    box, inner, fps = placement.box, placement.inner, facts.fps or shape.fps
    if box.width * box.height <= inner.width * inner.height and fps <= 1.01 * shape.fps:
        return None
    fps = max(fps, shape.fps)
    there = max(1, math.ceil((facts.seconds - EARLY) * fps))
    made = made_frames(shot)
    # In a span the source goes on after what the model has seen of it; in a mask there would be nothing to put there.
    most = there if not made[-1] else math.ceil(shape.num_frames * fps / shape.fps - 1e-6)
    return Restorer(shot, given, facts, placement, fps, min(there, most), made)


def edited(shot: Shot) -> Given | None:
    """Return the video of which a shot makes only a part anew, if it is given one: by a mask, a box or a span."""
    videos = [given for given in shot.givens if given.kind == "video"]
    if not videos or len({(given.source, given.role) for given in videos}) > 1:
        return None
    first = videos[0]
    whole = first.mask is None and first.box is None and first.end is None
    elsewhere = first.role != "frame" or first.start is not None or first.offset > 0
    return None if whole or elsewhere else first


def made_frames(shot: Shot) -> Bool[np.ndarray, " frames"]:
    """Return in which frames of an edited shot there is something to make."""
    shape = shot.video_shape()
    made = np.ones(shape.num_frames, bool)
    for given in shot.givens:
        if given.kind == "video" and given.mask is None and given.box is None:
            start, end = given.start or 0.0, shape.seconds if given.end is None else given.end
            made[round(start * shape.fps) : round(end * shape.fps)] = False
    return made
