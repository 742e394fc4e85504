import json
from dataclasses import replace

import pytest

from vitascope.deliver.record import from_tags, make_record, to_tags
from vitascope.errors import InputFileError
from vitascope.progress import Progress
from vitascope.types import CameraMove, Shot

SHOT = Shot(prompt='a "cat"\\ 🐈 قطة', seed=3, camera=(CameraMove(kind="zoom", amount=0.3),), size=(64, 48))


def test_tags_and_back():
    record = replace(make_record(SHOT, {"dit.safetensors": "abc"}, Progress()), notes=("a note",))
    assert from_tags(to_tags(record)) == record
    assert set(record.versions) == {"vitascope", "onnxruntime", "numpy", "av"}


def test_the_comment_is_the_shot():
    comment = json.loads(to_tags(make_record(SHOT, {}, Progress()))["comment"])
    assert comment["prompt"] == SHOT.prompt
    assert Shot.model_validate(comment) == SHOT


def test_timings_stay_out_of_the_file():
    slow, fast = Progress(), Progress()
    slow.seconds_spent["denoise"] = 9.0
    assert to_tags(make_record(SHOT, {}, slow)) == to_tags(make_record(SHOT, {}, fast))


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"comment": "shot on film"},
        {"comment": '{"prompt": 1}', "description": "{}"},
        {"comment": '{"prompt": "a cat"}', "description": "{}"},
        {"comment": '{"prompt": "a cat"}', "description": "[]"},
    ],
)
def test_other_tags_are_not_ours(tags):
    with pytest.raises(InputFileError):
        from_tags(tags)


@pytest.mark.parametrize("tag", ["comment", "description"])
@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "9" * 10_000, "\ud800", "null"])
def test_tags_of_a_stranger_are_one_line(tag, text):
    tags = to_tags(make_record(Shot(prompt="a cat"), {}, Progress()))
    with pytest.raises(InputFileError, match="carries no settings of vitascope"):
        from_tags({**tags, tag: text})
