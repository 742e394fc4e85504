import pytest
from PIL import Image

from tests.director.conftest import film
from vitascope.director.storyboard import storyboard
from vitascope.errors import RequestError
from vitascope.shot_fields import MAX_SEED


def test_shots_have_what_the_film_says_unless_they_say_otherwise():
    board = storyboard(
        film({"prompt": "a cat"}, {"prompt": "a dog", "style": "noir", "steps": 3}, style="clay", steps=2)
    )
    first, second = (take.shot for take in board.takes)
    assert (first.style, first.steps, first.seed) == ("clay", 2, 7)
    assert (second.style, second.steps, second.seed) == ("noir", 3, 8)
    assert storyboard(film({"prompt": "a cat"}, {"prompt": "a dog", "seed": 99})).takes[1].shot.seed == 99


def test_all_shots_are_as_large_as_the_first():
    board = storyboard(film({"prompt": "a cat"}, {"prompt": "a dog"}, size="48x64"))
    assert [take.shot.size for take in board.takes] == [(48, 64)] * 2
    board = storyboard(film({"prompt": "a cat"}, {"prompt": "a dog"}, aspect_ratio="4:3"))
    assert [take.shot.size for take in board.takes] == [(64, 48)] * 2


def test_references_of_the_film_are_in_every_shot_that_has_none_of_its_own(tmp_path):
    for name in ("a.png", "b.png"):
        Image.new("RGB", (64, 48), "red").save(tmp_path / name)
    shots = (
        {"prompt": "a cat"},
        {"prompt": "a cat", "references": []},
        {"prompt": "a cat", "references": ["b.png"]},
    )
    board = storyboard(film(*shots, references=["a.png"]).with_files(lambda name, _: str(tmp_path / name)))
    named = [[given.source[-5:] for given in take.shot.givens] for take in board.takes]
    assert named == [["a.png"], [], ["b.png"]]


def test_what_overlaps_is_counted_once():
    board = storyboard(film())
    assert board.spans() == [(0, 9), (8, 17), (15, 20)]
    whole = board.whole()
    assert (whole.prompt, whole.num_frames, whole.seconds, whole.seed) == ("A walk", 20, 2.5, 7)


@pytest.mark.parametrize(
    ("shots", "said", "message"),
    [
        (
            ({"prompt": "a cat"}, {"prompt": "a cat", "camera": "flutter"}),
            {},
            r"shots\[1\]\.camera: 'flutter' is not",
        ),
        (({"prompt": "a cat"}, {"prompt": " "}), {}, r"shots\[1\]\.prompt: is empty"),
        (({"prompt": "a cat", "seconds": -1},), {}, r"shots\[0\]\.seconds: -1 is not a length; nearest"),
        (({"prompt": "a cat", "style": "cubist"},), {}, r"shots\[0\]\.style: 'cubist'"),
        (({"prompt": "a cat"},), {"style": "cubist"}, r"^style: 'cubist'"),
        (({"prompt": "a cat"},), {"size": "9x9"}, r"^size: 9x9 .* nearest: 64x48"),
        (({"prompt": "a cat"},), {"model": "sora"}, r"^model: 'sora' is not known"),
        (
            ({"prompt": "a cat", "continue": True},),
            {},
            r"shots\[0\]\.continue: there is no shot before the first",
        ),
        (({"prompt": "a cat", "crossfade": 1},), {}, r"shots\[0\]\.crossfade: there is no shot before"),
        (
            ({"prompt": "a cat"}, {"prompt": "a cat", "continue": True, "crossfade": 1}),
            {},
            r"shots\[1\]\.crossfade: does not go together with continue",
        ),
        (
            ({"prompt": "a cat"}, {"prompt": "a cat", "continue": True, "image": "a.png"}),
            {},
            r"shots\[1\]\.image: the first frame of a shot that continues",
        ),
        (
            ({"prompt": "a cat", "num_frames": 9}, {"prompt": "a cat", "num_frames": 5}),
            {"crossfade": 2},
            r"^crossfade: 2 s is longer than shots 0 and 1 have room for; nearest: 0\.5",
        ),
        (
            ({"prompt": "a cat", "num_frames": 9}, {"prompt": "a cat", "num_frames": 5, "crossfade": 2}),
            {},
            r"^shots\[1\]\.crossfade: .* nearest: 0\.5",
        ),
        (({"prompt": "a cat"}, {"prompt": "a cat", "image": "no.png"}), {}, r"shots\[1\]\.image: "),
        (({"prompt": "a cat"}, {"prompt": "a cat"}), {"seed": MAX_SEED}, r"seed: .* is outside"),
    ],
)
def test_a_film_that_cannot_be_is_refused_by_shot_and_field(shots, said, message):
    with pytest.raises(RequestError, match=message) as caught:
        storyboard(film(*shots, **said))
    assert str(caught.value).startswith(caught.value.argument)


def test_the_nearest_crossfade_is_one_that_can_be():
    short = (
        {"prompt": "a cat", "num_frames": 9},
        {"prompt": "a dog", "num_frames": 5},
        {"prompt": "a cat", "num_frames": 5},
    )
    storyboard(film(*short[:2], crossfade=0.5))
    with pytest.raises(RequestError, match=r"shots 1 and 2 .* nearest: 0") as caught:
        storyboard(film(*short, crossfade=0.5))
    assert caught.value.argument == "crossfade"


def test_what_was_guessed_is_told_with_its_shot():
    board = storyboard(film({"prompt": "a cat"}, {"prompt": "a kraken walks in a garden", "seconds": 1.05}))
    assert any(note.startswith("shots[1]: ") and "kraken" in note for note in board.notes)
    assert any(note.startswith("shots[1]: seconds: 1.05 becomes 9 frames") for note in board.notes)
