"""Stage 2: a resolved shot becomes everything that the network is told before the first step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32, UInt8

from vitascope.conditioning.blocking import (
    Blocking,
    middle,
    moved,
    standing,
    subject_channels,
    through_camera,
)
from vitascope.conditioning.camera import camera_channels, camera_path, centred
from vitascope.conditioning.known import Known
from vitascope.conditioning.path import path_positions
from vitascope.conditioning.windows import CONTEXT, Window
from vitascope.prompt.edits import adds
from vitascope.types import (
    LATENT_CHANNELS,
    REFERENCE_SECONDS,
    SUBJECT_CHANNELS,
    TIME_STRIDE,
    Conditioning,
    LatentShape,
    Shot,
    Text,
)


@dataclass(frozen=True)
class Encoders:
    """What turns words and pictures into what the network reads.

    `text` takes sentences; `video` takes 1 + 4k frames and returns their normalised latents, one row per token;
    `blocking` finds a way over the set for a caption and a seed, if it knows one.
    """

    text: Callable[[Sequence[str]], tuple[Text, ...]]
    video: Callable[[UInt8[np.ndarray, "frames height width 3"]], Float32[np.ndarray, "tokens latent"]]
    blocking: Callable[[str, int], Blocking | None] = lambda caption, seed: None


@dataclass(frozen=True)
class Choreography:
    """Where everything goes in the whole of a shot: the camera in every frame, the subject in every latent frame.

    `subject` leads from the screen to the subject; None where pictures show it, or nobody knows.
    """

    camera: Float32[np.ndarray, "frames 4"]
    subject: Blocking | None


def choreograph(shot: Shot, encoders: Encoders) -> Choreography:
    """Return where camera and subject go in a resolved shot: worked out once, however many windows it is made in."""
    camera = _camera_path(shot)
    return Choreography(camera, _on_screen(shot, camera, encoders))


def condition(
    shot: Shot, known: Known, window: Window, encoders: Encoders, choreography: Choreography
) -> Conditioning:
    """Return what the network is told to make one window of a resolved shot."""
    shape = replace(shot.video_shape(), num_frames=window.num_frames)
    grid = shape.latent()
    caption = caption_at(shot, window)
    text, null = encoders.text((caption, shot.negative_prompt))
    given, levels = _given(shot, known, window, encoders)
    channels = [
        _kept(levels),
        _source(known, window, grid, encoders),
        grid.spread(camera_channels(choreography.camera[window.frames], TIME_STRIDE)),
        grid.spread(_subject(choreography.subject, window)),
    ]
    conditioning = Conditioning(
        text=text.states,
        text_mask=text.mask,
        pooled=text.pooled,
        channels=np.concatenate(channels, axis=1),
        positions=grid.positions(shape.fps),
        given=given,
        levels=levels,
        caption=caption,
        null=null,
        grid=grid,
        fps=shape.fps,
        first_frame=window.start // TIME_STRIDE,
    )
    for picture in known.references:
        conditioning = with_reference(conditioning, encoders.video(picture[None]))
    return conditioning


def caption_at(shot: Shot, window: Window) -> str:
    """Return what is told at the middle of the frames that a window adds to the shot."""
    shape = shot.video_shape()
    first = window.start + (CONTEXT if window.start else 0)
    halfway = (first + window.start + window.num_frames) / 2 / shape.num_frames
    caption = shot.caption or shot.prompt
    for share, words in shot.script:
        if share <= halfway:
            caption = words
    return caption


def with_reference(conditioning: Conditioning, latents: Float32[np.ndarray, "tokens latent"]) -> Conditioning:
    """Put a picture's tokens in front of the clip's, as something given long before it."""
    count = len(latents)
    channels = np.zeros((count, conditioning.channels.shape[1]), np.float32)
    channels[:, 0] = 1.0
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
    shot: Shot, known: Known, window: Window, encoders: Encoders
) -> tuple[Float32[np.ndarray, "tokens latent"], Float32[np.ndarray, " tokens"]]:
    """Return the given latents and each token's level: 0 where it is given, 1 or an edit's strength where it is not."""
    canvas = known.canvas.part(window.frames)
    cells = canvas.cells().reshape(-1)
    given = np.zeros((cells.size, LATENT_CHANNELS), np.float32)
    levels = np.ones(cells.size, np.float32)
    if known.source is not None and shot.strength is not None:
        given = encoders.video(known.source[window.frames])
        levels *= np.float32(shot.strength)
    if cells.any():
        given = np.where(cells[:, None], encoders.video(canvas.filled()), given)
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


def _camera_path(shot: Shot) -> Float32[np.ndarray, "frames 4"]:
    """Return where the camera is in every frame of the shot, around the middle of its way."""
    shape = shot.video_shape()
    times = np.arange(shape.num_frames) / shape.fps
    return centred(camera_path(shot.camera or (), times, times[-1] or 1.0))


def _subject(subject: Blocking | None, window: Window) -> Float32[np.ndarray, "latent_frames 15"]:
    """Return where the subject is in each latent frame of a window, zeros where that is not known."""
    first, count = window.start // TIME_STRIDE, 1 + (window.num_frames - 1) // TIME_STRIDE
    if subject is None:
        return np.zeros((count, SUBJECT_CHANNELS), np.float32)
    part = slice(first, first + count)
    return subject_channels(subject.maps[part], subject.loops[part])


def _on_screen(shot: Shot, camera: Float32[np.ndarray, "frames 4"], encoders: Encoders) -> Blocking | None:
    """Return the subject's way over the screen in every latent frame; None where pictures show it, or nobody knows.

    Somebody who is to be added is in no picture yet, and a reference is none of the clip's. A path leads the subject's
    middle; all else about it, such as its size, is as the words have it.
    """
    shape = shot.video_shape()
    shown = any(given.role != "reference" for given in shot.givens) and not adds(shot.caption or "")
    blocking = None if shown and not shot.path else planned(shot, camera, encoders)
    if blocking is None:
        return None
    every = camera[::TIME_STRIDE]
    screen = (_whole(blocking.maps) @ through_camera(every, shape.width / shape.height))[:, :2]
    if shot.path:
        times = np.arange(len(every)) * TIME_STRIDE / shape.fps
        screen = moved(screen, path_positions(shot.path, times) - 0.5 - middle(screen))
    return replace(blocking, maps=screen)


def planned(shot: Shot, camera: Float32[np.ndarray, "frames 4"], encoders: Encoders) -> Blocking | None:
    """Return the subject's way through the whole shot, from what its captions say one after the other."""
    assert shot.seed is not None
    frames = 1 + (len(camera) - 1) // TIME_STRIDE
    way = shot.path[-1][1] - shot.path[0][1] if shot.path else float(camera[-1, 0] - camera[0, 0])
    stages = [(0.0, shot.caption or shot.prompt), *((share, words) for share, words in shot.script)]
    whole: Blocking | None = None
    for (start, words), end in zip(stages, [*(share for share, _ in stages[1:]), 1.0], strict=True):
        count = round(end * frames) - round(start * frames)
        chosen = encoders.blocking(words, shot.seed) or (standing(frames) if shot.path else None)
        if chosen is None:
            return None
        if chosen.crossing or shot.path:
            chosen = chosen.onward(way)
        if count > 0:
            chosen = chosen.lasting(count)
            whole = chosen if whole is None else whole.then(chosen)
    return whole


def _whole(maps: Float[np.ndarray, "frames 2 3"]) -> Float[np.ndarray, "frames 3 3"]:
    """Return the maps with their third row, which is always (0, 0, 1)."""
    last = np.broadcast_to(np.array([[[0.0, 0.0, 1.0]]]), (len(maps), 1, 3))
    return np.concatenate([maps, last], axis=1)
