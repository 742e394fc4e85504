"""Stage 2: a resolved shot becomes everything that the network is told before the first step."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from vitascope.camera.path import camera_channels
from vitascope.givens.load import Known
from vitascope.toybox.brief import Brief, Briefs
from vitascope.toybox.conditioning.windows import Window
from vitascope.toybox.layout import (
    GIVEN,
    LATENT_CHANNELS,
    LATENTS,
    REFERENCE_SECONDS,
    SUBJECT_CHANNELS,
    TIME_STRIDE,
)
from vitascope.toybox.motion.encoders import Encoders
from vitascope.toybox.motion.plan import Choreography
from vitascope.toybox.motion.trajectory import Blocking, subject_channels
from vitascope.types import Conditioning, LatentShape, PlannedShot


def condition(
    planned: PlannedShot,
    briefs: Briefs,
    known: Known,
    window: Window,
    encoders: Encoders,
    choreography: Choreography,
) -> Conditioning:
    """Return what the network is told to make one window of a planned shot."""
    shape = replace(planned.shape, num_frames=window.num_frames)
    grid = LATENTS.grid(shape)
    brief = brief_at(planned, briefs, window)
    photograph = () if briefs.photograph is None else (briefs.photograph.caption,)
    text, null, *shown = encoders.text((brief.caption, planned.shot.negative_prompt, *photograph))
    given, levels = _given(planned, known, window, encoders)
    channels = [
        _kept(levels),
        _source(known, window, grid, encoders),
        grid.spread(camera_channels(choreography.camera[window.frames], TIME_STRIDE)),
        *(grid.spread(_subject(way, window)) for way in choreography.ways),
    ]
    conditioning = Conditioning(
        text=text.states,
        text_mask=text.mask,
        pooled=text.pooled,
        channels=np.concatenate(channels, axis=1),
        positions=grid.positions(shape.fps, TIME_STRIDE),
        given=given,
        levels=levels,
        caption=brief.caption,
        null=null,
        grid=grid,
        fps=shape.fps,
        first_frame=window.start // TIME_STRIDE,
        pages=encoders.pages(choreography.cast),
        shown=shown[0] if shown else None,
    )
    for picture in known.references:
        conditioning = with_reference(conditioning, encoders.video(picture[None]))
    return conditioning


def brief_at(planned: PlannedShot, briefs: Briefs, window: Window) -> Brief:
    """Return what is told at the middle of the frames that a window adds to the shot."""
    frames = window.start + window.context + window.start + window.num_frames
    return briefs.at(frames / 2 / planned.shape.num_frames)


def with_reference(conditioning: Conditioning, latents: Float32[np.ndarray, "tokens latent"]) -> Conditioning:
    """Put a picture's tokens in front of the clip's, as something given long before it."""
    count = len(latents)
    channels = np.zeros((count, conditioning.channels.shape[1]), np.float32)
    channels[:, GIVEN] = 1.0
    first = conditioning.positions[conditioning.prefix :][:count]
    positions = first - np.array([first[0, 0] + REFERENCE_SECONDS, 0, 0], np.float32)
    return replace(
        conditioning,
        channels=np.concatenate([channels, conditioning.channels]),
        positions=np.concatenate([positions, conditioning.positions]),
        given=np.concatenate([latents, conditioning.given]),
        levels=np.concatenate([np.zeros(count, np.float32), conditioning.levels]),
        prefix=conditioning.prefix + count,
    )


def _given(
    planned: PlannedShot, known: Known, window: Window, encoders: Encoders
) -> tuple[Float32[np.ndarray, "tokens latent"], Float32[np.ndarray, " tokens"]]:
    """Return the given latents and each token's level: 0 where it is given, 1 or an edit's strength where it is not."""
    canvas = known.canvas.part(window.frames)
    grid = canvas.cells(LATENTS)
    cells = grid.reshape(-1)
    given = np.zeros((cells.size, LATENT_CHANNELS), np.float32)
    levels = np.ones(cells.size, np.float32)
    if known.source is not None and planned.shot.strength is not None:
        given = encoders.video(known.source[window.frames])
        levels *= np.float32(planned.shot.strength)
    if cells.any():
        # The encoder looks back only: what comes after the last cell that is given, it need not see.
        last = int(np.flatnonzero(grid.any(axis=(1, 2)))[-1])
        there = encoders.video(canvas.part(slice(0, 1 + TIME_STRIDE * last)).filled())
        given[: len(there)] = np.where(cells[: len(there), None], there, given[: len(there)])
        levels[cells] = 0.0
    return given, levels


def _kept(levels: Float32[np.ndarray, " tokens"]) -> Float32[np.ndarray, "tokens 1"]:
    return (levels == 0).astype(np.float32)[:, None]


def _source(
    known: Known, window: Window, grid: LatentShape, encoders: Encoders
) -> Float32[np.ndarray, "tokens latent"]:
    if known.source is None:
        return np.zeros((grid.num_tokens, LATENT_CHANNELS), np.float32)
    return encoders.video(known.source[window.frames])


def _subject(subject: Blocking | None, window: Window) -> Float32[np.ndarray, "latent_frames 34"]:
    """Return where the subject is in each latent frame of a window, zeros where that is not known."""
    if subject is None:
        return np.zeros((1 + (window.num_frames - 1) // TIME_STRIDE, SUBJECT_CHANNELS), np.float32)
    return subject_channels(subject.maps[window.frames], subject.loops[window.frames])
