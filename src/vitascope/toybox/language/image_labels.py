"""What a shot's own pictures show, for what its words leave unsaid.

A picture at night under words that do not say so must not be told as day. Where the model's eye is sure of what it
sees, that is told; where it is not, as in people's own photographs, nothing is: no word is better than a wrong one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8

from vitascope.media.inspector import LOCAL, Inspector
from vitascope.toybox.cast.lookup import all_entries
from vitascope.toybox.language.defaults import complete
from vitascope.toybox.scene import Scene, seasons_of, times_of, weathers_of
from vitascope.toybox.world import World
from vitascope.types import Given, Shot, VideoShape

Pictures = UInt8[np.ndarray, "pictures height width 3"]

See = Callable[[Pictures], Mapping[str, Mapping[str, float]]]
"""Pictures to how likely each label of each field is, 0..1, all of them taken together; empty for who sees nothing."""

Watch = Callable[[Pictures], Mapping[str, Mapping[str, float]]]
"""The frames of a clip to how likely each label of each field is, what moves included; empty for who sees nothing."""

SURE = 0.9
"""Share from which a label counts as seen. Of 160 rendered stills 97 % show their set so surely, all of them rightly;
of 56 pieces of photographs, scans and micrographs 4 % show any, and no photograph does."""
CIRCUMSTANCES = ("set", "season", "time", "weather", "style")


@dataclass(frozen=True)
class Seen:
    """What the pictures of a shot surely show, and the fields that are as they have it without anybody knowing how."""

    labels: Mapping[str, str] = field(default_factory=dict)
    open: frozenset[str] = frozenset()

    def without(self, name: str) -> "Seen":
        """Return the same without a field that somebody has decided."""
        labels = {other: label for other, label in self.labels.items() if other != name}
        return Seen(labels, self.open - {name})


NOTHING = Seen()
"""What is seen of a shot that is given no pictures."""


def seen_in(givens: Sequence[Given], see: See, size: tuple[int, int], inspector: Inspector = LOCAL) -> Seen:
    """Return what pictures and videos of a shot show, looked at as they are cropped to a `size` (width, height).

    Pictures that are part of the shot show who is where and when; references show who is meant. Raises `RequestError`
    for a file that cannot be read.
    """
    shown = [given for given in givens if given.role in ("frame", "source") and given.kind != "sound"]
    if shown:
        return _scene(_looked(shown, see, size, inspector))
    references = [given for given in givens if given.role == "reference"]
    return _subject(_looked(references, see, size, inspector)) if references else NOTHING


def _looked(
    givens: Sequence[Given], see: See, size: tuple[int, int], inspector: Inspector
) -> Mapping[str, Mapping[str, float]]:
    return see(np.concatenate([_moments(given, size, inspector) for given in givens]))


def _moments(given: Given, size: tuple[int, int], inspector: Inspector) -> Pictures:
    kind = "image" if given.kind == "image" else "video"
    return inspector.moments(given.source, kind, size, given.offset)


def source_in(
    givens: Sequence[Given],
    watch: Watch,
    shape: VideoShape,
    world: World,
    inspector: Inspector = LOCAL,
) -> Scene | None:
    """Return what the video that an edit starts from shows; None where the eye is not sure who is where.

    It is watched at its beginning, as a clip of a `shape`; what else is not sure is what is likeliest. A camera that
    is not sure stands still. Raises `RequestError` for a file that cannot be read.
    """
    source = next((given for given in givens if given.role == "source" and given.kind == "video"), None)
    if source is None:
        return None
    shares = watch(inspector.beginning(source.source, shape, source.fit, source.offset))
    sure = _sure(shares)
    if not {"subject", "set"} <= sure.keys():
        return None
    likeliest = {name: max(labels, key=labels.__getitem__) for name, labels in shares.items()}
    return complete(likeliest | {"camera": sure.get("camera", "static")}, world)


def recalled(givens: Sequence[Given], card_fps: float, inspector: Inspector = LOCAL) -> Shot | None:
    """Return the shot that the video of an edit was made by, where it is a whole clip of ours and says so.

    Only the words that the model was told are taken from it. Raises `RequestError` for a file that cannot be read.
    """
    source = next((given for given in givens if given.role == "source" and given.kind == "video"), None)
    if source is None or source.offset:
        return None
    facts = inspector.facts(source.source, "video")
    try:
        shot = Shot.model_validate_json(facts.comment or "null")
    except ValueError:
        return None
    pages = all_entries()
    # Whoever made the file may have written anything there.
    if not all(member.page in pages for member in shot.cast or ()):
        return None
    whole = shot.num_frames == facts.num_frames and shot.fps is not None and abs(shot.fps - card_fps) < 1e-3
    return shot if whole and shot.model == "toybox" and shot.caption is not None else None


def _scene(shares: Mapping[str, Mapping[str, float]]) -> Seen:
    """Return what is sure of a picture; where not even its place is known, the rest is not to be trusted either."""
    fields = frozenset(name for name in ("subject", *CIRCUMSTANCES) if name in shares)
    labels = _sure({name: shares[name] for name in fields})
    if "set" not in labels:
        return Seen(open=fields)
    labels |= _only(labels["set"], labels.get("season"))
    return Seen(labels, fields - set(labels))


def _subject(shares: Mapping[str, Mapping[str, float]]) -> Seen:
    labels = _sure({name: shares[name] for name in ("subject",) if name in shares})
    return Seen(labels, frozenset(("subject",)) & shares.keys() - labels.keys())


def _sure(shares: Mapping[str, Mapping[str, float]]) -> dict[str, str]:
    likeliest = {name: max(labels, key=labels.__getitem__) for name, labels in shares.items()}
    return {name: label for name, label in likeliest.items() if shares[name][label] >= SURE}


def _only(place: str, season: str | None) -> dict[str, str]:
    """Return the labels that a place has no choice of; those it has are for the eye."""
    possible = {"season": seasons_of(place), "time": times_of(place)}
    if season is not None or len(possible["season"]) == 1:
        possible["weather"] = weathers_of(place, season or possible["season"][0])
    return {name: labels[0] for name, labels in possible.items() if len(labels) == 1}


def notes(scene: Scene, seen: frozenset[str], left: frozenset[str]) -> tuple[str, ...]:
    """Return a line about what of a scene was seen in the pictures, and one about what is left to them."""
    choices = {
        "season": len(seasons_of(scene.set)),
        "time": len(times_of(scene.set)),
        "weather": len(weathers_of(scene.set, scene.season)),
    }
    fields = [name for name in ("subject", *CIRCUMSTANCES) if "set" in left or choices.get(name, 2) > 1]
    found = [f"{name} {getattr(scene, name)}" for name in fields if name in seen]
    unsure = [name for name in fields if name in left]
    lines = [f"seen in the picture: {', '.join(found)}"] if found else []
    if unsure:
        lines.append(f"left to the picture, which the model does not know for sure: {', '.join(unsure)}")
    return tuple(lines)
