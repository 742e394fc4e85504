"""The camera's grammar: "slow zoom in, then the camera pans left" to moves with amounts and spans."""

import re
from dataclasses import dataclass

from vitascope.camera.path import AMOUNTS, SIGNS
from vitascope.types import CameraKind, CameraMove

PACES = {
    0.6: "slow slowly gentle gently subtle subtly slight slightly soft softly gradual gradually",
    1.4: "fast quick quickly rapid rapidly sudden suddenly dramatic dramatically swift swiftly",
    1.0: "smooth smoothly steady steadily cinematic big",
}
"""Share of a move's ordinary amount -> the words that ask for it."""

WAYS = {
    "left": "left leftward leftwards",
    "right": "right rightward rightwards",
    "up": "up upward upwards",
    "down": "down downward downwards",
    "in": "in into inward inwards closer nearer forward forwards",
    "out": "out outward outwards back backward backwards away",
    "counterclockwise": "counterclockwise|counter clockwise|anticlockwise|anti clockwise",
    "clockwise": "clockwise",
}
AXES: dict[str, CameraKind] = {
    "left": "pan", "right": "pan", "up": "tilt", "down": "tilt",
    "in": "zoom", "out": "zoom", "clockwise": "roll", "counterclockwise": "roll",
}  # fmt: skip
"""Way -> the kind of move that goes there."""

WAYS_OF = {"tilt": ("up", "down"), "zoom": ("in", "out")}
"""Kind of move -> its two ways, where they are not right and left."""

VERBS = {
    "zoom": "zoom zooms zooming zoomed",
    "pan": "pan pans panning panned",
    "tilt": "tilt tilts tilting tilted",
    "dolly": "dolly dollies dollying push pushes pushing pull pulls pulling",
    "truck": "truck trucks trucking track tracks tracking slide slides sliding",
    "pedestal": "pedestal crane cranes craning boom booms booming jib",
    "roll": "roll rolls rolling rolled",
    "rotate": "rotate rotates rotating spin spins spinning twist twists twisting",
    "orbit": "orbit orbits orbiting circle circles circling arc arcs arcing",
    "move": """
        move moves moving go goes going travel travels drift drifts drifting fly flies flying glide glides
        gliding swing swings swinging sweep sweeps sweeping turn turns turning swivel swivels rise rises
        rising descend descends float floats floating
    """,
}
ALONE = {
    "zoom": ("in", "out"),
    "pan": ("left", "right", "up", "down"),
    "tilt": ("up", "down", "left", "right"),
    "dolly": ("in", "out", "left", "right"),
}
"""Verbs that mean the camera even where nobody names it, if they go one of these ways."""
USUAL = {"zoom": "in", "pan": "right", "tilt": "up", "dolly": "in", "truck": "right", "pedestal": "up",
         "roll": "right", "rotate": "clockwise", "orbit": "right"}  # fmt: skip
"""Where a verb goes if nobody says."""
UNKNOWN = ("dolly", "truck", "pedestal", "orbit")
"""Verbs whose own move a flat stage cannot show: the nearest is made, with a note."""


def _items(words: str) -> list[str]:
    return words.split("|") if "|" in words else words.split()


def _any(words: str) -> str:
    return "(?:" + "|".join(_items(words)) + ")"


_VERB_OF = {word: verb for verb, words in reversed(VERBS.items()) for word in _items(words)}
_WAY_OF = {word: way for way, words in reversed(WAYS.items()) for word in _items(words)}
_PACE_OF = {word: share for share, words in reversed(PACES.items()) for word in _items(words)}


_CAMERA = r"(?:camera|lens|viewpoint|view|shot|camerawork|cam)"
_PACE = _any(" ".join(PACES.values()))
_WAY = "(?:" + "|".join(_any(words) for words in WAYS.values()) + ")"
_TO = r"(?:(?:from (?:the )?(?:left|right|top|bottom) )?(?:to|towards|toward) (?:the )?)?"
_AUX = r"(?:(?:is|starts|begins|does|do|makes|performs|to|a|an|then|it|very|also) ){0,4}"
_VERB = "(?:" + "|".join(_any(words) for words in VERBS.values()) + ")"
_NAMED = re.compile(
    rf"\b{_CAMERA} {_AUX}(?:(?P<pace>{_PACE}) )?{_AUX}(?P<verb>{_VERB})\b"
    rf"(?: (?P<pace2>{_PACE}))?(?: {_TO}(?P<way>{_WAY})\b)?"
)
_BARE = re.compile(
    rf"\b(?:(?P<pace>{_PACE}) )?(?:camera )?(?P<verb>{_VERB})"
    rf"(?: (?P<pace2>{_PACE}))? {_TO}(?P<way>{_WAY})\b(?: shot)?"
)
_TURNED = re.compile(
    rf"\b(?:(?P<pace>{_PACE}) )?(?P<way>{_WAY}) "
    rf"(?:camera )?(?P<verb>pan|tilt|zoom|dolly|camera roll)\b(?: shot)?"
)
_JOINED = re.compile(
    r"(?P<gap> ?(?:(?:and|then|before|while|also|it|next|finally|followed|by|a|the|afterwards|[,;.]) ?){0,6})"
    rf"(?:(?P<pace>{_PACE}) )?(?P<verb>{_VERB})(?: (?P<pace2>{_PACE}))? {_TO}(?P<way>{_WAY})\b"
)
_ALONE_END = re.compile(
    rf"\b(?:(?P<pace>{_PACE}) )?(?P<verb>zoom|dolly zoom|pan|tilt)(?P<way>)(?P<pace2>)"
    rf"(?: shot)?(?= ?(?:[,;.]|$))"
)
_SHAKE = re.compile(
    rf"\b(?:(?:shaky|shaking|wobbly|trembling|jittery|unsteady) {_CAMERA}(?: footage)?"
    rf"|hand ?held(?: {_CAMERA}| footage| look)?|shaky(?: footage| video)?"
    rf"|{_CAMERA} (?:is )?(?:shakes?|shaking|wobbles?|wobbling|trembles?|trembling|jitters?)"
    rf"|(?:with )?{_CAMERA} shake)\b"
)
_STATIC = re.compile(
    rf"\b(?:(?:static|fixed|still|stationary|locked off|locked|motionless|steady|tripod|unmoving) {_CAMERA}"
    rf"|{_CAMERA} (?:is |stays |remains |stands |holds |keeps |is held )"
    rf"(?:static|still|fixed|stationary|put|steady|locked)"
    rf"|{_CAMERA} (?:static|fixed|still)|{_CAMERA} (?:does not|doesn t|never) moves?"
    rf"|(?:no|without) camera (?:movement|motion|moves?))\b"
)
_FOLLOW = re.compile(
    rf"\b(?:(?:tracking|follow|following|drone|dolly|crane) shot"
    rf"|{_CAMERA} (?:is )?(?:follows?|following|tracks?|tracking)(?: (?:it|him|her|them))?)\b"
)


@dataclass(frozen=True)
class CameraWords:
    """What a prompt says of the camera, and what is left of the prompt without it.

    `label` is the scene's camera label that the first move comes down to, None if nobody speaks of it.
    """

    moves: tuple[CameraMove, ...]
    label: str | None
    rest: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Said:
    start: int
    stop: int
    kind: CameraKind
    sign: float = 0.0
    strength: float = 1.0
    label: str = "static"
    note: str = ""


def read_camera(text: str) -> CameraWords:
    """Read the camera's moves out of a prompt: tokens (see `match.tokenize`) joined by single spaces.

    Moves joined by "then" or a comma follow each other in equal parts of the shot; all others happen at once.
    """
    mentions_found = _find(text)
    remainder, last = [], 0
    for mentions in mentions_found:
        remainder += [text[last : mentions.start], ","]
        last = mentions.stop
    stages, place = [], 0
    for i, mentions in enumerate(mentions_found):
        if i and _follows(text[mentions_found[i - 1].stop : mentions.start]):
            place += 1
        stages.append(place)
    parts = place + 1
    moves = tuple(
        CameraMove(
            kind=mentions.kind,
            amount=round(AMOUNTS[mentions.kind] * mentions.strength * (mentions.sign or 1.0), 4),
            start=stage / parts,
            end=(stage + 1) / parts,
        )
        for mentions, stage in zip(mentions_found, stages, strict=True)
        if mentions.kind != "static"
    )
    notes = tuple(dict.fromkeys(mentions.note for mentions in mentions_found if mentions.note))
    left = " ".join("".join([*remainder, text[last:]]).split())
    return CameraWords(moves, mentions_found[0].label if mentions_found else None, left, notes)


def _follows(gap: str) -> bool:
    later = re.search(r"\b(?:then|followed|next|before|afterwards|finally|after)\b", gap)
    return later is not None or not gap.strip(" ,;.")


def _find(text: str) -> list[_Said]:
    """Return what is said of the camera in order, without overlaps; the longest reading of a place wins."""
    mentions = [_Said(m.start(), m.end(), "shake", label="shake") for m in _SHAKE.finditer(text)]
    mentions += [_Said(m.start(), m.end(), "static") for m in _STATIC.finditer(text)]
    mentions += [_unfollowed(m) for m in _FOLLOW.finditer(text)]
    walked: set[int] = set()
    for m in _NAMED.finditer(text):
        if m["way"] or _VERB_OF[m["verb"]] != "move":
            mentions += [_move(m), *_joined(text, m.end(), walked)]
    for pattern in (_BARE, _TURNED):
        for m in pattern.finditer(text):
            verb = "roll" if m["verb"] == "camera roll" else _VERB_OF[m["verb"]]
            if _WAY_OF[m["way"]] in ALONE.get(verb, ()) or m["verb"] == "camera roll" or _whole(text, m):
                mentions += [_move(m), *_joined(text, m.end(), walked)]
    mentions += [_move(m) for m in _ALONE_END.finditer(text)]
    chosen: list[_Said] = []
    for mention in sorted(mentions, key=lambda s: (s.start, -s.stop)):
        if not chosen or mention.start >= chosen[-1].stop:
            chosen.append(mention)
    return chosen


def _whole(text: str, m: re.Match[str]) -> bool:
    """Say whether a match is a clause of its own, as "roll left" in "a ball, slow roll left"."""
    before, after = text[: m.start()].rstrip(" "), text[m.end() :].lstrip(" ")
    verb = _VERB_OF[m["verb"]]
    return (
        verb in ("roll", "truck", "pedestal", "orbit")
        and before[-1:] in tuple(",;.")
        and (not after or after[0] in ",;.")
    )


def _joined(text: str, start: int, walked: set[int]) -> list[_Said]:
    """Return the moves that follow on from a place, up to one from which others have been `walked` before."""
    mentions = []
    while start not in walked and (m := _JOINED.match(text, start)):
        walked.add(start)
        if not m["gap"].strip():
            break
        mentions.append(_move(m, start=m.end("gap")))
        start = m.end()
    return mentions


def _move(m: re.Match[str], start: int | None = None) -> _Said:
    groups = m.groupdict()
    verb = "roll" if m["verb"] == "camera roll" else _VERB_OF[m["verb"].split()[-1]]
    way = _WAY_OF[m["way"]] if m["way"] else USUAL[verb]
    kind = AXES[way]
    if verb in ("roll", "rotate") or (verb == "tilt" and kind == "pan"):
        kind = "roll"
    sign = -1.0 if way == "counterclockwise" else SIGNS.get(way, 1.0)
    label = f"{kind}-{WAYS_OF.get(kind, ('right', 'left'))[sign < 0]}"
    pace = groups.get("pace") or groups.get("pace2") or ""
    strength = _PACE_OF.get(pace, 1.0)
    words = " ".join(word for word in (m["verb"].split()[-1], m["way"]) if word)
    note = _note(words, label) if verb in UNKNOWN else ""
    first = m.start() if start is None else start
    return _Said(first, m.end(), kind, sign, strength, label, note)


def _unfollowed(m: re.Match[str]) -> _Said:
    return _Said(m.start(), m.end(), "static", note=_note(m.group(), "static"))


def _note(words: str, label: str) -> str:
    shown = label.replace("-", " ") if label != "static" else "a camera that stands still"
    return f'the model does not know the camera move "{words}": making the nearest it knows, "{shown}"'
