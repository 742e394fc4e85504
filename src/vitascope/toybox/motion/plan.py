"""Where everything goes in a shot: the camera and the subject, in every frame."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from jaxtyping import Float32

from vitascope.camera.path import during, filmed_path
from vitascope.givens.load import Known
from vitascope.toybox.brief import Brief, Briefs
from vitascope.toybox.cast.lookup import Appearance
from vitascope.toybox.layout import CAMERA, EXTRA_CHANNELS, LATENTS, SUBJECT, SUBJECT_CHANNELS, TIME_STRIDE
from vitascope.toybox.motion.box_layout import area_of, away, placed
from vitascope.toybox.motion.camera_pose import EXPLAINED, FOREIGN, Standpoint, led, standpoints
from vitascope.toybox.motion.detect import Tokens, find
from vitascope.toybox.motion.encoders import Encoders, Field
from vitascope.toybox.motion.group import arrange
from vitascope.toybox.motion.infill import Stage, completed
from vitascope.toybox.motion.locate import Look, sighted, wanted_frames
from vitascope.toybox.motion.track import track
from vitascope.toybox.motion.trajectory import (
    AROUND_MIDDLE,
    Blocking,
    middle,
    moved,
    square,
    standing,
    through_camera,
)
from vitascope.toybox.motion.waypoints import path_positions
from vitascope.toybox.world import NOBODY, page_name
from vitascope.types import CastMember, PlannedShot, Shot, VideoShape

SOMEBODY = CastMember(page="", name="")
"""A subject of which nothing is known."""
ASIDE, BESIDE = 0.27, 0.75
"""How far from the picture's middle somebody comes in beside others, and how large, beside its size alone."""
NEXT_SEED = 0x9E3779B9
"""How far the seeds of a shot's subjects are from each other."""

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
    cast: tuple[Appearance, ...] = ()
    """Whose pages the subjects show, the nearest first; the first is that of `subject`."""
    others: tuple[Blocking, ...] = ()

    def returning(self, hold: int) -> "Choreography":
        """Return the same for a loop, at whose end everybody is where they began for `hold` frames."""
        frames = len(self.camera)
        first, *others = (None if way is None else way.returning(frames, hold) for way in self.ways)
        return replace(self, subject=first, others=tuple(way for way in others if way is not None))

    @property
    def ways(self) -> tuple[Blocking | None, ...]:
        """The ways of all subjects over the screen, the nearest first."""
        return (self.subject, *self.others)

    @property
    def appearances(self) -> list[tuple[Appearance, Blocking]]:
        """The subjects whose ways are known, with their pages."""
        pairs = zip(self.cast, self.ways, strict=True)
        return [(look, way) for look, way in pairs if way is not None]


@dataclass(frozen=True)
class Inputs:
    """All that a choreography is made from: the shot, what the network is told of it, its pictures, the networks."""

    planned: PlannedShot
    briefs: Briefs
    known: Known
    encoders: Encoders
    member: CastMember = SOMEBODY
    """The subject whose way is looked for."""
    number: int = 0
    """Its place in the cast."""

    @property
    def shot(self) -> Shot:
        """The shot as it travels in the file."""
        return self.planned.shot

    @property
    def shape(self) -> VideoShape:
        """The shape of the clip."""
        return self.planned.shape

    @property
    def cast(self) -> tuple[CastMember, ...]:
        """Who is to be seen; where the words name nobody, whom an edit speaks of or the caption names."""
        if self.shot.cast:
            return self.shot.cast
        page = "" if self.shot.cast == () else self.briefs.subject(self.briefs.first)
        return (CastMember(page=page, name=page or NOBODY.name),)

    @property
    def look(self) -> Appearance:
        """The page of the subject whose way is looked for."""
        return Appearance(self.member.page, self.member.colour)

    def of(self, number: int) -> "Inputs":
        """Return the same for a subject of the cast: what is told of it, and a seed of its own."""
        member = self.cast[number]
        if number == 0:
            return replace(self, member=member)
        planned = replace(self.planned, seed=(self.planned.seed + NEXT_SEED * number) % 2**63)
        briefs = self.briefs.of_member(member.page, member.action)
        return replace(self, member=member, number=number, planned=planned, briefs=briefs)

    @property
    def last_frames(self) -> list[tuple[int, Brief]]:
        """Each brief of the shot with the frame before which it ends."""
        latents = LATENTS.latent_frames(len(self.known.canvas.frames))
        return [(_frames(round(share * latents)), brief) for share, brief in self.briefs.ends]


def choreograph(planned: PlannedShot, briefs: Briefs, known: Known, encoders: Encoders) -> Choreography:
    """Return where camera and subject go in a planned shot: worked out once, however many windows it is made in."""
    inputs = Inputs(planned, briefs, known, encoders)
    if encoders.field is None or known.source is not None or not known.canvas.known.any():
        # What an edit starts from, or a photograph, is filmed already.
        camera = filmed_path(planned.camera, planned.shape)
        return _together(inputs, camera)
    poses = _poses(inputs, encoders.field)
    camera = _filmed(inputs, poses)
    unlike = min((each.error for each in poses.values()), default=0.0)
    return replace(_together(inputs, camera, unlike), notes=_notes(poses, planned.shape.fps))


def _together(inputs: Inputs, camera: Float32[np.ndarray, "frames 4"], unlike: float = 0.0) -> Choreography:
    """Return the ways of all subjects over the screen, the nearest first.

    Where pictures show them each is looked for by itself; else they are arranged beside each other.
    """
    members = [inputs.of(number) for number in range(len(inputs.cast))]
    order = tuple(range(len(members)))
    if len(members) > 1 and not any(_is_shown(each) for each in members):
        alone = [_scripted(each, camera) for each in members]
        known = [way for way in alone if way is not None]
        if len(known) == len(members):
            arranged, order = arrange(inputs.cast, known)
            ways = [_filmed_way(each, way, camera) for each, way in zip(members, arranged, strict=True)]
            if inputs.shot.path:
                ways[0] = _along_path(members[0], ways[0])
        else:
            ways = alone
    else:
        ways = [_on_screen(each, camera, unlike) for each in members]
        ways = [
            _aside(way, [other for other in ways if other is not way and other is not None])
            if way is not None and each.member.added
            else way
            for each, way in zip(members, ways, strict=True)
        ]
    first, *others = (ways[number] for number in order)
    looks = tuple(members[number].look for number in order)
    away_others = tuple(away(len(camera)) if way is None else way for way in others)
    return Choreography(camera, first, cast=looks, others=away_others)


def _aside(way: Blocking, others: Sequence[Blocking]) -> Blocking:
    """Return the way of somebody who comes in beside others: on the side where there is more room."""
    if not others:
        return way
    crowd = float(np.mean([middle(other.maps)[:, 0].mean() for other in others]))
    smaller = way.scaled(BESIDE, around_middle=False)
    by = (-ASIDE if crowd > 0 else ASIDE) - middle(smaller.maps)[:, 0].mean()
    return replace(smaller, maps=moved(smaller.maps, np.array([by, 0.0])))


def _is_shown(inputs: Inputs) -> bool:
    """Say whether pictures show the subjects: somebody who is to be added is in no picture yet."""
    there = inputs.known.canvas.known.any() or inputs.known.source is not None
    return bool(there) and not inputs.briefs.first.adds and not inputs.member.added


def _notes(poses: Mapping[int, Standpoint], fps: float) -> tuple[str, ...]:
    """Return a line about given frames that do not show what the words name from anywhere."""
    if not (lost := [frame for frame, each in sorted(poses.items()) if each.error > EXPLAINED]):
        return ()
    times = " and ".join(f"{frame / fps:.3g} s" for frame in lost)
    return (
        f"camera: what is given at {times} does not look like the set that the words name, "
        "so where the camera stands is not known and the picture may jump there",
    )


def _poses(inputs: Inputs, field: Field) -> dict[int, Standpoint]:
    """Return from where given frames show the set that the words name."""
    briefs = inputs.last_frames

    def draw(frame: int) -> Callable[[Places, Tokens], Drawn]:
        picture = _drawing(_brief_at(briefs, frame), field, inputs)
        return lambda places, tokens: picture(
            places, np.zeros((len(places), SUBJECT_CHANNELS), np.float32), tokens
        )

    return standpoints(inputs.known.canvas, inputs.encoders.video, draw)


def _filmed(inputs: Inputs, poses: Mapping[int, Standpoint]) -> Float32[np.ndarray, "frames 4"]:
    """Return where the camera is in every frame: where it was seen to stand, and from there on as it moves."""
    moves = during(inputs.planned.camera, wanted_frames(inputs.known.canvas))
    places = {frame: each.pose for frame, each in poses.items() if each.error <= EXPLAINED}
    return led(filmed_path(moves, inputs.shape), places)


def _on_screen(
    inputs: Inputs, camera: Float32[np.ndarray, "frames 4"], unlike: float = 0.0
) -> Blocking | None:
    """Return the subject's way over the screen in every frame; None where pictures show it, or nobody knows.

    Somebody who is to be added is in no picture yet, and a reference is none of the clip's. In a first frame it is
    looked for, and through a video that is edited it is followed. A path leads the subject's middle; all else about it,
    such as its size, is as the words have it. Beside frames that are `unlike` the set that the words name (by the least
    error of any) a clip of its own is made, where nobody is found in them; in those of another world nobody is looked
    for.
    """
    shot, known = inputs.shot, inputs.known
    shown = _is_shown(inputs)
    if not inputs.member.page and not shown and inputs.shot.cast is not None:
        return away(len(camera))
    if shown and not shot.path and known.source is not None:
        return _followed(inputs, camera)
    if shown and not shot.path and any(given.mask or given.box for given in shot.givens):
        return _put(inputs, camera)
    alone = not shown or bool(shot.path)
    blocking = None if alone or unlike > FOREIGN else _shown(inputs, camera)
    if alone or (blocking is None and unlike > EXPLAINED and _in_whole_frames(known)):
        blocking = _scripted(inputs, camera)
    if blocking is None:
        return None
    way = _filmed_way(inputs, blocking, camera)
    return _along_path(inputs, way) if shot.path else way


def _filmed_way(inputs: Inputs, way: Blocking, camera: Float32[np.ndarray, "frames 4"]) -> Blocking:
    """Return a way over the set as one over the screen."""
    plane = through_camera(camera, inputs.shape.width / inputs.shape.height)
    return replace(way, maps=(square(way.maps) @ plane)[:, :2])


def _along_path(inputs: Inputs, way: Blocking) -> Blocking:
    """Return a way over the screen whose middle goes where the shot's path leads."""
    times = np.arange(len(way.maps)) / inputs.shape.fps
    by = path_positions(inputs.shot.path, times) - 0.5 - middle(way.maps)
    return replace(way, maps=moved(way.maps, by))


def _shown(inputs: Inputs, camera: Float32[np.ndarray, "frames 4"]) -> Blocking | None:
    """Return the way over the set of a subject that given frames show."""
    if _is_first_alone(inputs.known):
        found = _found(inputs, camera)
        return None if found is None else _scripted(inputs, camera, found)
    return _joined(inputs, camera)


def _in_whole_frames(known: Known) -> bool:
    """Say whether every frame is given or wanted as a whole."""
    marks = known.canvas.known
    return bool((marks.all(axis=(1, 2)) | ~marks.any(axis=(1, 2))).all())


def _is_first_alone(known: Known) -> bool:
    return bool(known.canvas.known[0].all()) and not known.canvas.known[1:].any()


def _joined(inputs: Inputs, camera: Float32[np.ndarray, "frames 4"]) -> Blocking | None:
    """Return a way that goes through where the subject is in the given frames, whichever of them they are."""
    field, encoders, canvas = inputs.encoders.field, inputs.encoders, inputs.known.canvas
    if field is None:
        return None
    seed, briefs = inputs.planned.seed, inputs.last_frames
    plane = through_camera(camera, inputs.shape.width / inputs.shape.height)

    def look(frame: int) -> Look:
        brief = _brief_at(briefs, frame)
        picture = _drawing(brief, field, inputs)
        return encoders.ways(brief.scene, seed), lambda i: partial(picture, camera[[i]])

    there = sighted(canvas, encoders.video, look)
    if there is None:
        return None
    on_set = replace(there, maps=(square(there.maps) @ np.linalg.inv(plane))[:, :2])
    stages = [Stage(end, encoders.ways(brief.scene, seed)) for end, brief in briefs]
    return completed(on_set, wanted_frames(canvas), stages, plane)


def _brief_at(briefs: list[tuple[int, Brief]], frame: int) -> Brief:
    """Return what is told at a frame."""
    return next(brief for end, brief in briefs if frame < end)


def _put(inputs: Inputs, camera: Float32[np.ndarray, "frames 4"]) -> Blocking | None:
    """Return the way over the screen of a subject that the words put into a mask or a box.

    Where they name none, there is none in the picture: what is made is the set behind.
    """
    area = area_of(~inputs.known.canvas.known[0])
    if area is None:
        return None
    if not inputs.briefs.names_subject:
        return away(len(camera))
    way = _scripted(inputs, camera)
    return None if way is None else placed(way, area)


def _found(inputs: Inputs, camera: Float32[np.ndarray, "frames 4"]) -> Blocking | None:
    """Return a way that begins where the subject is in the first frame."""
    field, encoders, brief = inputs.encoders.field, inputs.encoders, inputs.briefs.first
    if field is None:
        return None
    draw = partial(_drawing(brief, field, inputs), camera[:1])
    there = through_camera(camera[:1], inputs.shape.width / inputs.shape.height)[0]
    picture = encoders.video(inputs.known.canvas.frames[:1])
    return find(picture, encoders.ways(brief.scene, inputs.planned.seed), there, draw)


def _followed(inputs: Inputs, camera: Float32[np.ndarray, "frames 4"]) -> Blocking | None:
    """Return the way over the screen of the subject of the video that an edit starts from, if it is known who that is.

    Whoever takes its place goes the same way; who is to be removed is told to be elsewhere. It is drawn as the source
    is, not as the edit will be.
    """
    if inputs.briefs.first.removes:
        return away(len(camera))
    field, encoders, source = inputs.encoders.field, inputs.encoders, inputs.known.source
    brief = inputs.briefs.source
    if field is None or source is None or brief is None:
        return None
    if inputs.number:
        doing = inputs.member.action or brief.scene.action
        brief = replace(brief, scene=replace(brief.scene, subject=inputs.member.page, action=doing))
    picture = _drawing(brief, field, inputs)
    pictures = [encoders.video(frame[None]) for frame in source[::TIME_STRIDE]]
    ways = [way.every(TIME_STRIDE) for way in encoders.ways(brief.scene, inputs.planned.seed)]
    found = track(pictures, ways, lambda i: partial(picture, camera[[i * TIME_STRIDE]]))
    return None if found is None else found.between(TIME_STRIDE)


def _drawing(brief: Brief, field: Field, inputs: Inputs) -> Picture:
    """Return what draws a latent frame of a brief, from wherever the camera stands, with the subject anywhere."""
    grid = LATENTS.grid(replace(inputs.shape, num_frames=1))
    (text,) = inputs.encoders.text((brief.caption,))
    # In a video that is edited it is not the new subject that is looked for, but the one that is there.
    replaced = inputs.briefs.source is brief and page_name(brief.scene.subject) != inputs.member.page
    look = Appearance(inputs.briefs.subject(brief)) if replaced or not inputs.member.page else inputs.look
    pages = inputs.encoders.pages((look,))
    positions = grid.positions(inputs.shape.fps, TIME_STRIDE)

    def draw(places: Places, told: Float32[np.ndarray, "tries numbers"], tokens: Tokens) -> Drawn:
        # The first token, a corner, is always drawn: by it the network knows how large the picture is.
        here = positions[tokens if tokens[0] == 0 else np.concatenate([[0], tokens])]
        channels = np.zeros((len(told), len(here), EXTRA_CHANNELS), np.float32)
        channels[..., SUBJECT] = told[:, None]
        filmed = np.concatenate([places, np.zeros_like(places)], axis=1)
        channels[..., CAMERA] = filmed[:, None]
        return field(text, channels, here, pages)[:, -len(tokens) :]

    return draw


def _scripted(
    inputs: Inputs, camera: Float32[np.ndarray, "frames 4"], begun: Blocking | None = None
) -> Blocking | None:
    """Return the subject's way through the whole shot, from what its briefs say one after the other.

    It begins as `begun`, if that is known.
    """
    path, encoders = inputs.shot.path, inputs.encoders
    latents = LATENTS.latent_frames(len(camera))
    way = path[-1][1] - path[0][1] if path else float(camera[-1, 0] - camera[0, 0])
    whole: Blocking | None = None
    for (start, brief), (end, _) in zip(inputs.briefs.stages, inputs.briefs.ends, strict=True):
        count = _frames(round(end * latents)) - _frames(round(start * latents))
        chosen = encoders.blocking(brief.scene, inputs.planned.seed)
        chosen = chosen or (standing(len(camera)) if path else None)
        if begun is not None and start == 0:
            chosen = begun
        elif chosen is not None and (chosen.crossing or path):
            chosen = chosen.onward(way)
        if chosen is None:
            return None
        if inputs.member.scale != 1.0:
            chosen = chosen.scaled(inputs.member.scale, brief.scene.action in AROUND_MIDDLE)
        if count > 0:
            chosen = chosen.lasting(count)
            whole = chosen if whole is None else whole.then(chosen)
    return whole


def _frames(latents: int) -> int:
    """Return how many frames so many latent frames stand for, the first of which is one frame alone."""
    return max(0, 1 + (latents - 1) * TIME_STRIDE)
