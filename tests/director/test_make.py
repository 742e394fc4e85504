"""Films of the fake model: what is joined, what is made once, and what is made again."""

import tracemalloc

import numpy as np
import pytest

import vitascope
from tests.director.conftest import film
from vitascope import pipeline
from vitascope.backends.registry import backend
from vitascope.deliver.mux import frames_of, read, read_record
from vitascope.director.cut import blended, cut
from vitascope.director.make import kept_in, make, make_film, shots_of
from vitascope.director.shoot import Made, Weighed
from vitascope.director.storyboard import storyboard, storyboard_of
from vitascope.errors import Cancelled, InputFileError, OutputExistsError, RequestError
from vitascope.progress import Event, Progress
from vitascope.testing.fakes import FakeLatents, synthetic_clip


class Counting(FakeLatents):
    """The fake model, which counts its clips and breaks off in one of them."""

    def __init__(self, broken: int = -1):
        self.made, self.broken = [], broken

    def render(self, shot, progress, resume_folder=None):
        if len(self.made) == self.broken:
            raise Cancelled
        self.made.append(shot.seed)
        return super().render(shot, progress, resume_folder)


def test_a_film_is_its_shots_one_after_the_other(tmp_path):
    record = make_film(film(), tmp_path / "film.mp4", shots=tmp_path / "shots")
    whole = read(tmp_path / "film.mp4")
    assert whole.record == record
    assert (whole.frames.shape, whole.fps) == ((20, 48, 64, 3), 8.0)
    board = storyboard_of(record)
    made = shots_of(board, backend("fake"), tmp_path / "again", Progress())
    shots = [np.stack(list(frames_of(one.path))).astype(int) for one in made]
    expected = [*shots[0], *shots[1][1:-2]]
    expected += [
        shots[1][-2] * 2 / 3 + shots[2][0] / 3,
        shots[1][-1] / 3 + shots[2][1] * 2 / 3,
        *shots[2][2:],
    ]
    error = np.abs(np.stack(expected) - whole.frames)
    assert error.mean() < 2
    assert max(frame.mean() for frame in error) < 4
    assert np.abs(shots[1][0] - shots[0][-1]).mean() < 2, "it goes on where the one before ended"
    assert vitascope.make_film is make_film


def test_the_same_film_has_the_same_bytes_and_is_made_again_from_its_file(tmp_path):
    one, two, three = (tmp_path / f"{name}.mp4" for name in "abc")
    make_film(film(), one, shots=tmp_path / "shots")
    make_film(film(), two)
    assert one.read_bytes() == two.read_bytes()
    with kept_in(None) as folder:
        make(storyboard_of(read_record(one)), backend("fake"), folder, three, Progress())
    assert three.read_bytes() == one.read_bytes()
    assert str(tmp_path).encode() not in one.read_bytes()


def test_a_shot_that_is_there_is_not_made_again(tmp_path):
    heard: list[Event] = []
    make_film(film(), tmp_path / "a.mp4", shots=tmp_path / "shots")
    make_film(film(), tmp_path / "b.mp4", shots=tmp_path / "shots", progress=heard.append)
    assert {event.phase for event in heard} == {"cut"}
    last = {"prompt": "a dog jumps", "num_frames": 5, "crossfade": 0.25}
    changed = film().model_copy(update={"seed": None, "shots": (*film().shots[:2], film(last).shots[0])})
    renderer = Counting()
    board = storyboard(changed.model_copy(update={"seed": 7}))
    shots_of(board, renderer, tmp_path / "shots", Progress())
    assert renderer.made == [9], "only the shot that was changed"
    assert make_film(changed, tmp_path / "c.mp4", shots=tmp_path / "shots").shot.seed == 7, "the seed is kept"


def test_shots_of_other_weights_are_made_again(tmp_path):
    class Weighing(Counting):
        def __init__(self, weights: str):
            super().__init__()
            self.checksum = weights

        def checksums(self):
            return {"transformer": self.checksum}

    made = []
    for weights in ("one", "other", "one"):
        renderer = Weighing(weights)
        shots_of(storyboard(film()), renderer, tmp_path / "shots", Progress())
        made.append(renderer.made)
    assert made == [[7, 8, 9], [7, 8, 9], []]
    assert isinstance(backend("toybox"), Weighed)


def test_a_film_that_was_broken_off_goes_on_and_has_the_same_bytes(tmp_path):
    board = storyboard(film())
    with pytest.raises(Cancelled):
        shots_of(board, Counting(broken=1), tmp_path / "shots", Progress())
    following = Counting()
    make(board, following, tmp_path / "shots", tmp_path / "film.mp4", Progress())
    assert following.made == [8, 9]
    make_film(film(), tmp_path / "whole.mp4")
    assert (tmp_path / "film.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_nothing_is_made_of_a_film_that_cannot_be(tmp_path):
    heard: list[Event] = []
    bad = film({"prompt": "a cat"}, {"prompt": "a cat", "camera": "flutter"})
    with pytest.raises(RequestError, match=r"shots\[1\]\.camera"):
        make_film(bad, tmp_path / "film.mp4", shots=tmp_path / "shots", progress=heard.append)
    assert (heard, list(tmp_path.iterdir())) == ([], [])
    (tmp_path / "film.mp4").write_text("precious")
    with pytest.raises(OutputExistsError):
        make_film(film(), tmp_path / "film.mp4")
    with pytest.raises(RequestError, match=r"shots\[0\]\.prompt"):
        make_film({"shots": [{}]}, tmp_path / "other.mp4")


def test_a_film_is_cancelled_while_it_is_cut(tmp_path):
    board = storyboard(film())
    shots = shots_of(board, backend("fake"), tmp_path / "shots", Progress())
    asked = []
    with pytest.raises(Cancelled):
        cut(
            board, shots, tmp_path / "film.mp4", Progress(cancelled=lambda: asked.append(1) or len(asked) > 3)
        )


def test_memory_does_not_grow_with_the_film(tmp_path):
    clip = synthetic_clip(num_frames=9, width=320, height=240)
    clip.save(tmp_path / "shot.mp4")
    peaks = []
    for count in (3, 60):
        board = storyboard(film(*[{"prompt": "a cat", "num_frames": 9}] * count))
        shots = [Made(tmp_path / "shot.mp4", take, clip.record, True) for take in board.takes]
        tracemalloc.start()
        cut(board, shots, tmp_path / f"{count}.mp4", Progress())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert len(read(tmp_path / "60.mp4").frames) == 540
    assert peaks[1] < peaks[0] + 4 * 320 * 240 * 3, "no more than some frames"


def test_shots_of_other_sizes_are_not_joined(tmp_path):
    board = storyboard(film({"prompt": "a cat"}, {"prompt": "a dog"}))
    shots = []
    for number, width in enumerate((64, 48)):
        clip = synthetic_clip(width=width)
        shots.append(Made(clip.save(tmp_path / f"{number}.mp4"), board.takes[number], clip.record, True))
    with pytest.raises(RequestError, match=r"shots\[1\]\.size: came out as 48x48"):
        cut(board, shots, tmp_path / "film.mp4", Progress())


def test_a_blend_lies_between():
    black, white = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)
    assert (blended(black, white, 0.2) == 51).all()


def test_a_clip_is_no_film(tmp_path):
    clip = pipeline.generate(storyboard(film()).takes[0].shot, backend("fake"), Progress())
    with pytest.raises(InputFileError, match="no film"):
        storyboard_of(read_record(clip.save(tmp_path / "clip.mp4")))
