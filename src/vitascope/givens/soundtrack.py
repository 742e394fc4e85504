"""The sound of the videos that a shot is given, laid where their pictures are."""

from dataclasses import dataclass

import numpy as np

from vitascope.media.ffmpeg import SOUND_DECODERS
from vitascope.media.info import SoundFacts
from vitascope.media.inspector import LOCAL, Inspector
from vitascope.media.sound import SAMPLE_RATE, Sound, read_sound
from vitascope.types import MOTION, Given, Shot

FADE = 0.02
"""Seconds over which sound begins or ends where it was cut, so that there is no click."""


@dataclass(frozen=True)
class Soundtrack:
    """The sound of a clip: -1..1, with so many samples a second."""

    sound: Sound
    sample_rate: int = SAMPLE_RATE


def soundtrack(shot: Shot, seconds: float) -> Soundtrack | None:
    """Return the sound of what a planned shot is given, as long as its clip of `seconds`; None if there is none.

    Each video is heard where it is shown. Of a video of which only a span is made anew, all is heard. Raises
    `RequestError` for sound that cannot be decoded.
    """
    length, parts = round(seconds * SAMPLE_RATE), []
    for given in _heard(shot, LOCAL):
        first = round((given.start or 0.0) * SAMPLE_RATE)
        last = length if given.end is None else min(length, round(given.end * SAMPLE_RATE))
        if first >= last:
            continue
        wanted = (last - first) / SAMPLE_RATE
        sound = read_sound(given.source, given.kind, start=given.offset, seconds=wanted)
        if sound is not None:
            parts.append((first, _faded(sound[:, : last - first], given)))
    if not parts:
        return None
    mixed = np.zeros((max(len(sound) for _, sound in parts), length), np.float32)
    for first, sound in parts:
        mixed[:, first : first + sound.shape[1]] += sound
    return Soundtrack(np.clip(mixed, -1, 1))


def notes(shot: Shot, inspector: Inspector = LOCAL) -> tuple[str, ...]:
    """Return what becomes of the sound of the videos that a planned shot is given."""
    videos = {given.source: given for given in reversed(shot.givens) if given.kind == "video"}
    lines = (_note(given, inspector.facts(given.source, given.kind).sound) for given in videos.values())
    return tuple(line for line in lines if line)


def _note(given: Given, sound: SoundFacts | None) -> str:
    if sound is None:
        return ""
    if sound.codec not in SOUND_DECODERS:
        coded = f"coded as {sound.codec}" if sound.codec else "coded in an unknown way"
        return f"sound: {_name(given)} has sound {coded}, which is not read here: it is left out"
    if given.role in MOTION:
        return f"sound: that of {_name(given)} is left out; only its motion is used"
    return f"sound: that of {_name(given)} stays where its pictures are; what is added is silent"


def _name(given: Given) -> str:
    return given.source.replace("\\", "/").rpartition("/")[2]


def _heard(shot: Shot, inspector: Inspector) -> list[Given]:
    """Return the videos whose sound can be heard; what is left of one around a span counts as one."""
    videos = [given for given in shot.givens if given.kind == "video" and given.role not in MOTION]
    heard: list[Given] = []
    for given in videos:
        sound = inspector.facts(given.source, given.kind).sound
        if sound is None or sound.codec not in SOUND_DECODERS:
            continue
        same = [index for index, other in enumerate(heard) if _goes_on(other, given)]
        if same:
            heard[same[0]] = heard[same[0]].model_copy(update={"end": given.end})
        else:
            heard.append(given)
    return heard


def _goes_on(before: Given, after: Given) -> bool:
    """Say whether two parts of one video are shown at the same distance as they have in it."""
    shift = (after.start or 0.0) - after.offset - (before.start or 0.0) + before.offset
    return before.source == after.source and abs(shift) < 0.001


def _faded(sound: Sound, given: Given) -> Sound:
    """Return the sound with soft ends where the video is cut or its sound stops."""
    count = min(round(FADE * SAMPLE_RATE), sound.shape[1])
    ramp = np.linspace(0, 1, count, dtype=np.float32)
    loud = np.flatnonzero(sound.any(axis=0))
    if given.start or given.offset:
        sound[:, :count] *= ramp
    if len(loud) and count:
        end = int(loud[-1]) + 1
        count = min(count, end)
        sound[:, end - count : end] *= ramp[::-1][-count:]
    return sound
