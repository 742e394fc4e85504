"""Clips -> film: joined by cuts and crossfades, frame by frame, in memory that does not grow with the film."""

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from jaxtyping import UInt8

from vitascope.deliver.mux import CONTAINER, add_cover, add_video, cover_packet, frames_of, packets
from vitascope.deliver.provenance.c2pa import Ingredient
from vitascope.deliver.provenance.marks import marks_of
from vitascope.deliver.provenance.watermark import Embedder
from vitascope.deliver.record import to_tags, versions
from vitascope.deliver.thumbnail import poster
from vitascope.director.shoot import Made
from vitascope.director.storyboard import Storyboard
from vitascope.errors import RequestError
from vitascope.progress import Progress
from vitascope.types import Record

Frame = UInt8[np.ndarray, "height width 3"]


def cut(board: Storyboard, shots: Sequence[Made], path: Path, progress: Progress) -> Record:
    """Write the film of all shots to `path` and return its record; raises `OSError` when the disk does.

    The record holds the storyboard as it was planned, so that `vitascope remake` makes the film again.
    """
    measured_board = _measured(board, shots)
    record = _record(measured_board, board, shots)
    with progress.phase("cut", len(shots)):
        marks = marks_of(
            record,
            [Ingredient(shot_file.path, "componentOf", _title(n)) for n, shot_file in enumerate(shots)],
        )
        _encode(
            record, _joined(measured_board, shots, progress), path, None if marks is None else marks.watermark
        )
        if marks is not None:
            marks.seal(path)
    return record


def blended(before: Frame, after: Frame, share: float) -> Frame:
    """Return a frame that is `share` of the way from one to another."""
    return np.rint(before * (1 - share) + after * share).astype(np.uint8)


def _title(number: int) -> str:
    return f"shot {number + 1}"


def _measured(board: Storyboard, shots: Sequence[Made]) -> Storyboard:
    """Return the storyboard with each shot as long as it came to be; raises `RequestError` where they do not fit."""
    takes = []
    for number, shot_file in enumerate(shots):
        with av.open(str(shot_file.path)) as container:
            video = container.streams.video[0]
            size, fps, frames = (video.width, video.height), float(video.average_rate or 1), video.frames
        if takes and (size, fps) != (takes[0].shot.size, takes[0].shot.fps):
            problem = f"came out as {size[0]}x{size[1]} at {fps:g} fps, which is not what the first one is"
            raise RequestError(f"shots[{number}].size", problem, "say size and fps")
        shot = shot_file.take.shot
        # What was planned stays as it was said: 23.976 is not what a file says that it is.
        fps = shot.fps or fps
        shot = shot.model_copy(
            update={"size": size, "fps": fps, "num_frames": frames, "seconds": frames / fps}
        )
        takes.append(shot_file.take.model_copy(update={"shot": shot}))
    return board.model_copy(update={"takes": tuple(takes)})


def _record(measured_board: Storyboard, board: Storyboard, shots: Sequence[Made]) -> Record:
    noted = (f"shots[{n}]: {note}" for n, shot_file in enumerate(shots) for note in shot_file.record.notes)
    notes = tuple(dict.fromkeys((*board.notes, *noted)))
    weights = {name: digest for shot_file in shots for name, digest in shot_file.record.weights.items()}
    backend = shots[0].record.backend
    return Record(measured_board.whole(), backend, weights, versions(), notes, film=measured_board.told())


def _joined(measured_board: Storyboard, shots: Sequence[Made], progress: Progress) -> Iterator[Frame]:
    """Yield the frames of the film; no more than those of one crossfade are held."""
    held: deque[Frame] = deque()
    for number, shot_file in enumerate(shots):
        take, following = measured_board.takes[number], measured_board.takes[number + 1 : number + 2]
        fading_in = 0 if take.continues else take.overlap
        fading_out = sum(follower.overlap for follower in following if not follower.continues)
        length = take.shot.num_frames or 0
        for i, frame in enumerate(frames_of(shot_file.path)):
            progress.check()
            if take.continues and i == 0:
                continue  # it is the last frame of the shot before, which has been shown
            if i < fading_in and held:
                frame = blended(held.popleft(), frame, (i + 1) / (fading_in + 1))
            if i >= length - fading_out:
                held.append(frame)
            else:
                yield frame
        progress.step()
    yield from held


def _encode(record: Record, frames: Iterator[Frame], path: Path, watermark: Embedder | None) -> None:
    width, height = record.shot.size or (0, 0)
    middle, cover_frame = (record.shot.num_frames or 1) // 2, None
    with av.open(str(path), "w", format="mp4", options=CONTAINER) as container:
        container.metadata.update(to_tags(record))
        video = add_video(container, record.shot.fps or 1.0, width, height)
        cover = add_cover(container, width, height)

        def watched() -> Iterator[UInt8[np.ndarray, "frames height width 3"]]:
            nonlocal cover_frame
            for number, frame in enumerate(frames):
                cover_frame = frame if number <= middle else cover_frame
                yield frame[None]

        for packet in packets(video, watched(), watermark):
            container.mux(packet)
        assert cover_frame is not None
        container.mux(cover_packet(cover, poster(cover_frame[None], watermark)))
