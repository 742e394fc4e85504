"""Where everything goes in a shot: the camera and the subject, in every frame."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from jaxtyping import Float32

from vitascope.camera.path import during, filmed_path
from vitascope.givens.load import Known
from vitascope.toybox.conditioning.encoders import Encoders, Field
from vitascope.toybox.language.instructions import adds, names_somebody, removes
from vitascope.toybox.motion.box_layout import area_of, away, placed
from vitascope.toybox.motion.camera_pose import EXPLAINED, FOREIGN, Standpoint, led, standpoints
from vitascope.toybox.motion.detect import Tokens, find
from vitascope.toybox.motion.infill import Stage, completed
from vitascope.toybox.motion.locate import Look, sighted, wanted_frames
from vitascope.toybox.motion.track import track
from vitascope.toybox.motion.trajectory import Blocking, middle, moved, square, standing, through_camera
from vitascope.toybox.motion.waypoints import path_positions
from vitascope.types import (
    CAMERA_CHANNELS,
    EXTRA_CHANNELS,
    SUBJECT_CHANNELS,
    TIME_STRIDE,
    Shot,
    VideoShape,
)

Places = Float32[np.ndarray, "#tries 4"]
Drawn = Float32[np.ndarray, "tries some latent"]
Picture = Callable[[Places, Float32[np.ndarray, "tries numbers"], Tokens], Drawn]
"""Where the camera stands, and what is told of the subject, to what some tokens of a latent frame look like then."""


@dataclass(frozen=True)
class Choreography:
    """Where everything goes in the whole of a shot.

    `subject` leads from the screen to the subject; None where pictures show it, or nobody knows. `notes` are for the
    person who asked.
    """

    camera: Float32[np.ndarray, "frames 4"]
    subject: Blocking | None
    notes: tuple[str, ...] = ()


def choreograph(shot: Shot, known: Known, encoders: Encoders) -> Choreography:
    """Return where camera and subject go in a resolved shot: worked out once, however many windows it is made in."""
    shape = shot.video_shape()
    if encoders.field is None or known.source is not None or not known.canvas.known.any():
        # What an edit starts from, or a photograph, is filmed already.
        camera = filmed_path(shot.camera or (), shape)
        return Choreography(camera, _on_screen(shot, known, camera, encoders))
    seen = _seen(shot, known, encoders, encoders.field)
    camera = _filmed(shot, known, seen)
    unlike = min((each.error for each in seen.values()), default=0.0)
    subject = _on_screen(shot, known, camera, encoders, unlike)
    return Choreography(camera, subject, _notes(seen, shape.fps))


def _notes(seen: Mapping[int, Standpoint], fps: float) -> tuple[str, ...]:
    """Return a line about given frames that do not show what the words name from anywhere."""
    if not (lost := [frame for frame, each in sorted(seen.items()) if each.error > EXPLAINED]):
        return ()
    times = " and ".join(f"{frame / fps:.3g} s" for frame in lost)
    return (
        f"camera: what is given at {times} does not look like the set that the words name, "
        "so where the camera stands is not known and the picture may jump there",
    )


def _seen(shot: Shot, known: Known, encoders: Encoders, field: Field) -> dict[int, Standpoint]:
    """Return from where given frames show the set that the words name."""
    shape, told = shot.video_shape(), _told(shot, len(known.canvas.frames))

    def draw(frame: int) -> Callable[[Places, Tokens], Drawn]:
        picture = _drawing(_words(told, frame), field, encoders, shape)
        return lambda places, tokens: picture(
            places, np.zeros((len(places), SUBJECT_CHANNELS), np.float32), tokens
        )

    return standpoints(known.canvas, encoders.video, draw)


def _filmed(shot: Shot, known: Known, seen: Mapping[int, Standpoint]) -> Float32[np.ndarray, "frames 4"]:
    """Return where the camera is in every frame: where it was seen to stand, and from there on as it moves."""
    moves = during(shot.camera or (), wanted_frames(known.canvas))
    places = {frame: each.pose for frame, each in seen.items() if each.error <= EXPLAINED}
    return led(filmed_path(moves, shot.video_shape()), places)


def _on_screen(
    shot: Shot,
    known: Known,
    camera: Float32[np.ndarray, "frames 4"],
    encoders: Encoders,
    unlike: float = 0.0,
) -> Blocking | None:
    """Return the subject's way over the screen in every frame; None where pictures show it, or nobody knows.

    Somebody who is to be added is in no picture yet, and a reference is none of the clip's. In a first frame it is
    looked for, and through a video that is edited it is followed. A path leads the subject's middle; all else about it,
    such as its size, is as the words have it. Beside frames that are `unlike` the set that the words name (by the least
    error of any) a clip of its own is made, where nobody is found in them; in those of another world nobody is looked
    for.
    """
    shape = shot.video_shape()
    shown = known.canvas.known.any() or known.source is not None
    shown = shown and not adds(shot.caption or "")
    if shown and not shot.path and known.source is not None:
        return _followed(shot, known, camera, encoders)
    if shown and not shot.path and any(given.mask or given.box for given in shot.givens):
        return _put(shot, known, camera, encoders)
    alone = not shown or bool(shot.path)
    blocking = None if alone or unlike > FOREIGN else _shown(shot, known, camera, encoders)
    if alone or (blocking is None and unlike > EXPLAINED and _in_whole_frames(known)):
        blocking = planned(shot, camera, encoders)
    if blocking is None:
        return None
    screen = (square(blocking.maps) @ through_camera(camera, shape.width / shape.height))[:, :2]
    if shot.path:
        times = np.arange(len(camera)) / shape.fps
        screen = moved(screen, path_positions(shot.path, times) - 0.5 - middle(screen))
    return replace(blocking, maps=screen)


def _shown(
    shot: Shot, known: Known, camera: Float32[np.ndarray, "frames 4"], encoders: Encoders
) -> Blocking | None:
    """Return the way over the set of a subject that given frames show."""
    if _is_first_alone(known):
        found = _found(shot, known, camera, encoders)
        return None if found is None else planned(shot, camera, encoders, found)
    return _joined(shot, known, camera, encoders)


def _in_whole_frames(known: Known) -> bool:
    """Say whether every frame is given or wanted as a whole."""
    marks = known.canvas.known
    return bool((marks.all(axis=(1, 2)) | ~marks.any(axis=(1, 2))).all())


def _is_first_alone(known: Known) -> bool:
    return bool(known.canvas.known[0].all()) and not known.canvas.known[1:].any()


def _joined(
    shot: Shot, known: Known, camera: Float32[np.ndarray, "frames 4"], encoders: Encoders
) -> Blocking | None:
    """Return a way that goes through where the subject is in the given frames, whichever of them they are."""
    if encoders.field is None:
        return None
    field, shape, told = encoders.field, shot.video_shape(), _told(shot, len(camera))
    assert shot.seed is not None
    seed, plane = shot.seed, through_camera(camera, shape.width / shape.height)

    def look(frame: int) -> Look:
        words = _words(told, frame)
        picture = _drawing(words, field, encoders, shape)
        return encoders.ways(words, seed), lambda i: partial(picture, camera[[i]])

    there = sighted(known.canvas, encoders.video, look)
    if there is None:
        return None
    on_set = replace(there, maps=(square(there.maps) @ np.linalg.inv(plane))[:, :2])
    stages = [Stage(end, encoders.ways(words, seed)) for end, words in told]
    return completed(on_set, wanted_frames(known.canvas), stages, plane)


def _told(shot: Shot, frames: int) -> list[tuple[int, str]]:
    """Return the captions of a shot, each with the frame before which it ends."""
    latents = 1 + (frames - 1) // TIME_STRIDE
    captions = [shot.caption or shot.prompt, *(words for _, words in shot.script)]
    ends = [*(share for share, _ in shot.script), 1.0]
    return [(_frames(round(end * latents)), words) for end, words in zip(ends, captions, strict=True)]


def _words(told: list[tuple[int, str]], frame: int) -> str:
    """Return what is told at a frame."""
    return next(words for end, words in told if frame < end)


def _put(
    shot: Shot, known: Known, camera: Float32[np.ndarray, "frames 4"], encoders: Encoders
) -> Blocking | None:
    """Return the way over the screen of somebody whom the words put into a mask or a box.

    Where they name nobody, there is nobody in the picture: what is made is the set behind.
    """
    area = area_of(~known.canvas.known[0])
    if area is None:
        return None
    if not names_somebody(shot.prompt):
        return away(len(camera))
    way = planned(shot, camera, encoders)
    return None if way is None else placed(way, area)


def _found(
    shot: Shot, known: Known, camera: Float32[np.ndarray, "frames 4"], encoders: Encoders
) -> Blocking | None:
    """Return a way that begins where the subject is in the first frame."""
    if encoders.field is None:
        return None
    assert shot.seed is not None
    shape, caption = shot.video_shape(), shot.caption or shot.prompt
    draw = partial(_drawing(caption, encoders.field, encoders, shape), camera[:1])
    there = through_camera(camera[:1], shape.width / shape.height)[0]
    picture = encoders.video(known.canvas.frames[:1])
    return find(picture, encoders.ways(caption, shot.seed), there, draw)


def _followed(
    shot: Shot, known: Known, camera: Float32[np.ndarray, "frames 4"], encoders: Encoders
) -> Blocking | None:
    """Return the way over the screen of the subject of the video that an edit starts from, if it is known who that is.

    Whoever takes its place goes the same way; who is to be removed is told to be elsewhere. It is drawn as the words
    say that the source is, not as the edit will be.
    """
    if removes(shot.caption or ""):
        return away(len(camera))
    shows = next((given.shows for given in shot.givens if given.role == "source"), None)
    if encoders.field is None or known.source is None or shows is None:
        return None
    assert shot.seed is not None
    picture = _drawing(shows, encoders.field, encoders, shot.video_shape())
    pictures = [encoders.video(frame[None]) for frame in known.source[::TIME_STRIDE]]
    ways = [way.every(TIME_STRIDE) for way in encoders.ways(shows, shot.seed)]
    found = track(pictures, ways, lambda i: partial(picture, camera[[i * TIME_STRIDE]]))
    return None if found is None else found.between(TIME_STRIDE)


def _drawing(caption: str, field: Field, encoders: Encoders, shape: VideoShape) -> Picture:
    """Return what draws a latent frame of a caption, from wherever the camera stands, with the subject anywhere."""
    grid = replace(shape, num_frames=1).latent()
    (text,) = encoders.text((caption,))
    positions = grid.positions(shape.fps)

    def draw(places: Places, told: Float32[np.ndarray, "tries numbers"], tokens: Tokens) -> Drawn:
        # The first token, a corner, is always drawn: by it the network knows how large the picture is.
        here = positions[tokens if tokens[0] == 0 else np.concatenate([[0], tokens])]
        channels = np.zeros((len(told), len(here), EXTRA_CHANNELS), np.float32)
        channels[..., -SUBJECT_CHANNELS:] = told[:, None]
        filmed = np.concatenate([places, np.zeros_like(places)], axis=1)
        channels[..., -SUBJECT_CHANNELS - CAMERA_CHANNELS : -SUBJECT_CHANNELS] = filmed[:, None]
        return field(text, channels, here)[:, -len(tokens) :]

    return draw


def planned(
    shot: Shot, camera: Float32[np.ndarray, "frames 4"], encoders: Encoders, begun: Blocking | None = None
) -> Blocking | None:
    """Return the subject's way through the whole shot, from what its captions say one after the other.

    It begins as `begun`, if that is known.
    """
    assert shot.seed is not None
    latents = 1 + (len(camera) - 1) // TIME_STRIDE
    way = shot.path[-1][1] - shot.path[0][1] if shot.path else float(camera[-1, 0] - camera[0, 0])
    stages = [(0.0, shot.caption or shot.prompt), *((share, words) for share, words in shot.script)]
    whole: Blocking | None = None
    for (start, words), end in zip(stages, [*(share for share, _ in stages[1:]), 1.0], strict=True):
        count = _frames(round(end * latents)) - _frames(round(start * latents))
        chosen = encoders.blocking(words, shot.seed) or (standing(len(camera)) if shot.path else None)
        if begun is not None and start == 0:
            chosen = begun
        elif chosen is not None and (chosen.crossing or shot.path):
            chosen = chosen.onward(way)
        if chosen is None:
            return None
        if count > 0:
            chosen = chosen.lasting(count)
            whole = chosen if whole is None else whole.then(chosen)
    return whole


def _frames(latents: int) -> int:
    """Return how many frames so many latent frames stand for, the first of which is one frame alone."""
    return max(0, 1 + (latents - 1) * TIME_STRIDE)
