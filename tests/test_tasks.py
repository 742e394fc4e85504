import pytest

from vitascope.errors import RequestError
from vitascope.tasks import parse_box, parse_keyframes, parse_span


def test_boxes_are_shares_or_pixels():
    assert parse_box("0.25,0.5,0.5,0.25", (128, 96)) == (0.25, 0.5, 0.5, 0.25)
    assert parse_box("32,48,64,24", (128, 96)) == (0.25, 0.5, 0.5, 0.25)


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "a,b,c,d", "0.5,0.5,0.6,0.1", "-0.1,0,0.5,0.5", "0,0,0,1", "nan,0,1,1"]
)
def test_what_is_no_box_is_refused_in_one_line(text: str):
    with pytest.raises(RequestError, match=r"^box: [^\n]+$"):
        parse_box(text, (128, 96))


def test_spans_are_seconds_or_percentages():
    assert parse_span("0.5s-1s", 2.0) == (0.5, 1.0)
    assert parse_span("25%-50%", 2.0) == (0.5, 1.0)


@pytest.mark.parametrize("text", ["", "1s", "2s-1s", "3s-4s", "x-y"])
def test_what_is_no_span_is_refused_in_one_line(text: str):
    with pytest.raises(RequestError, match=r"^span: [^\n]+$"):
        parse_span(text, 2.0)


def test_keyframes_are_times_and_files():
    assert parse_keyframes(["1.5s=a.png", "0s=b=c.png"]) == {1.5: "a.png", 0.0: "b=c.png"}
    assert parse_keyframes(None) == {}


@pytest.mark.parametrize("text", ["a.png", "=a.png", "1.5s=", "50%=a.png", "-1s=a.png"])
def test_what_is_no_keyframe_is_refused_in_one_line(text: str):
    with pytest.raises(RequestError, match=r"^keyframe: [^\n]+$"):
        parse_keyframes([text])
