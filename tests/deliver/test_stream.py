"""The stream: early, in order, never sought in, the same pictures as the file."""

import io
import tracemalloc
from collections.abc import Iterator

import av
import numpy as np
import pytest

from vitascope.deliver.mux import read, save
from vitascope.deliver.stream import stream
from vitascope.errors import OutputError
from vitascope.testing.fakes import synthetic_clip
from vitascope.toybox.conditioning.windows import SHORTEST
from vitascope.types import Clip


class Pipe(io.RawIOBase):
    """Takes a few bytes at a time, as pipes may, and cannot seek; after `limit` bytes it fails."""

    def __init__(self, limit: int = 10**9, error: OSError | None = None):
        self.data, self.limit, self.error = b"", limit, error or BrokenPipeError(32, "Broken pipe")

    def write(self, data) -> int:
        if len(self.data) > self.limit:
            raise self.error
        self.data += bytes(data[:1000])
        return min(len(data), 1000)

    def seek(self, *where) -> int:
        pytest.fail("nobody can seek in a pipe")

    tell = seek


@pytest.fixture(scope="module")
def clip() -> Clip:
    return synthetic_clip(num_frames=33)


def chunks(clip: Clip, size: int) -> Iterator[np.ndarray]:
    return (clip.frames[start : start + size] for start in range(0, len(clip.frames), size))


@pytest.mark.parametrize("size", [1, 4, 33])
def test_its_frames_are_those_of_the_file(tmp_path, clip, size):
    pipe = Pipe()
    stream(chunks(clip, size), clip.fps, clip.record, pipe)
    (tmp_path / "streamed.mp4").write_bytes(pipe.data)
    streamed = read(tmp_path / "streamed.mp4")
    saved = read(save(clip, tmp_path / "saved.mp4"))
    np.testing.assert_array_equal(streamed.frames, saved.frames)
    assert (streamed.fps, streamed.record) == (saved.fps, saved.record)


def test_pictures_can_be_seen_before_the_last_ones_exist(clip):
    pipe, seen = Pipe(), []

    def frames() -> Iterator[np.ndarray]:
        for chunk in chunks(clip, 1):
            yield chunk
            seen.append(pipe.data)

    stream(frames(), clip.fps, clip.record, pipe)
    assert seen[0][4:8] == b"ftyp"
    assert b"moov" in seen[0]
    assert all(later.startswith(earlier) for earlier, later in zip(seen, [*seen[1:], pipe.data], strict=True))
    with av.open(io.BytesIO(seen[16])) as container:
        assert len(list(container.decode(video=0))) >= 4


def test_the_first_window_of_a_clip_is_enough_to_show_something(clip):
    pipe, before = Pipe(), b""

    def frames() -> Iterator[np.ndarray]:
        nonlocal before
        yield clip.frames[:SHORTEST]
        before = pipe.data
        yield clip.frames[SHORTEST:]

    stream(frames(), clip.fps, clip.record, pipe)
    with av.open(io.BytesIO(before)) as container:
        assert len(list(container.decode(video=0))) >= 2


def test_the_same_frames_give_the_same_bytes(clip):
    pipes = [Pipe(), Pipe(), Pipe()]
    for pipe, size in zip(pipes, (4, 4, 1), strict=True):
        stream(chunks(clip, size), clip.fps, clip.record, pipe)
    assert pipes[0].data == pipes[1].data == pipes[2].data


def test_memory_does_not_grow_with_the_clip(clip):
    def peak(times: int) -> int:
        tracemalloc.start()
        stream((clip.frames[i % 33][None].copy() for i in range(times)), 8.0, clip.record, io.BytesIO())
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(20)
    # The bytes themselves are kept here: they are a small part of the 9 KiB of a frame.
    assert peak(200) < peak(50) + 100 * clip.frames[0].nbytes


@pytest.mark.parametrize("limit", [0, 1500, 3000])
def test_a_reader_that_leaves_is_a_broken_pipe(clip, limit):
    with pytest.raises(BrokenPipeError):
        stream(chunks(clip, 4), clip.fps, clip.record, Pipe(limit))


def test_a_full_disk_is_an_error_of_ours(clip):
    with pytest.raises(OutputError, match="No space left"):
        stream(chunks(clip, 4), clip.fps, clip.record, Pipe(1500, OSError(28, "No space left")))


def test_what_ends_the_frames_ends_the_stream(clip):
    def frames() -> Iterator[np.ndarray]:
        yield clip.frames[:4]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stream(frames(), clip.fps, clip.record, Pipe())
