"""When a model cannot, the next one that was named is used and says so; a wrong request is refused at once."""

import pytest

from vitascope import api
from vitascope.backends import registry
from vitascope.errors import Cancelled, OutputError, RemoteError, RequestError, WeightsError
from vitascope.fallback import first_able
from vitascope.media.inspector import LOCAL
from vitascope.progress import Event
from vitascope.testing.fakes import FakeBackend, synthetic_clip


class Choosy(FakeBackend):
    """Refuses every shot."""

    def plan(self, shot, inspector=LOCAL):
        raise RequestError("seconds", "more than choosy can draw", "nearest: 1")


class Empty(FakeBackend):
    """Has no weights."""

    def __init__(self):
        raise WeightsError("there are none")


class Falling(FakeBackend):
    """Fails while it renders."""

    error: BaseException = RemoteError("remote:far cannot be reached")

    def render(self, shot, progress, resume_folder=None):
        raise self.error


@pytest.fixture(autouse=True)
def models(monkeypatch):
    homes = {"toybox": "vitascope.testing.fakes:FakeBackend"}
    homes |= {kind.__name__.lower(): f"{__name__}:{kind.__name__}" for kind in (Choosy, Empty, Falling)}
    monkeypatch.setattr(registry, "_HOMES", homes)
    registry._open.cache_clear()
    yield
    registry._open.cache_clear()


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("choosy", "seconds: more than choosy can draw; nearest: 1"),
        ("empty", "there are none"),
        ("falling", "remote:far cannot be reached"),
        ("sora", "model: 'sora' is not known"),
    ],
)
def test_the_next_model_is_used_and_says_why(model, why):
    heard: list[Event] = []
    clip = api.generate("a cat", seed=7, model=model, fallback="toybox", progress=heard.append)
    assert clip.record.shot.model == "toybox"
    (note,) = [note for note in clip.record.notes if note.startswith("model: ")]
    assert note.startswith(f"model: {model} cannot ({why}")
    assert note.endswith("): toybox is used")
    assert note in [event.note for event in heard]


def test_several_are_tried_in_their_order_with_the_same_seed():
    clip = api.generate("a cat", model="empty", fallback=["falling", "toybox", "choosy"])
    assert [note.split()[1] for note in clip.record.notes] == ["empty", "falling"]
    again = api.generate("a cat", seed=clip.record.shot.seed)
    assert (clip.frames == again.frames).all()


def test_when_none_can_it_is_the_first_that_is_told():
    with pytest.raises(RemoteError, match="remote:far"):
        api.generate("a cat", model="falling", fallback=("empty", "choosy"))


def test_memory_that_is_not_enough_is_a_reason(monkeypatch):
    monkeypatch.setattr(Falling, "error", MemoryError())
    clip = api.generate("a cat", model="falling", fallback="toybox")
    assert clip.record.notes[0].startswith("model: falling cannot (the memory of this machine is not enough)")


@pytest.mark.parametrize("error", [Cancelled(), OutputError("the disk is full"), KeyboardInterrupt()])
def test_what_is_no_fault_of_the_model_is_raised(monkeypatch, error):
    monkeypatch.setattr(Falling, "error", error)
    with pytest.raises(type(error)):
        api.generate("a cat", model="falling", fallback="toybox")


@pytest.mark.parametrize(
    ("said", "argument"),
    [({"prompt": " "}, "prompt"), ({"image": "nowhere.png"}, "image"), ({"size": "big"}, "size")],
)
def test_what_the_one_who_asks_got_wrong_is_raised(said, argument):
    with pytest.raises(RequestError) as caught:
        api.generate(**{"prompt": "a cat", "model": "falling", "fallback": "choosy", **said})
    assert caught.value.argument == argument


def test_clips_are_extended_and_edited_by_the_next_model_too(tmp_path):
    video = synthetic_clip().save(tmp_path / "clip.mp4")
    longer = api.extend(video, "a cat", seconds=1, model="empty", fallback="toybox")
    assert longer.record.shot.num_frames == 17
    assert api.edit(video, "make it night", model="choosy", fallback="toybox").record.notes
    with pytest.raises(RequestError, match="is not a length"):
        api.extend(video, "a cat", seconds=-1, model="toybox", fallback="choosy")


def test_a_model_that_can_is_asked_alone():
    asked = []
    first_able(("a", "b"), lambda model, notes: asked.append((model, notes)))
    assert asked == [("a", ())]
