import pytest

from vitascope.camera.subject_path import check_path, parse_path
from vitascope.errors import RequestError


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("0s:0.1,0.8 2s:0.5,0.6 4s:0.9,0.8", ((0, 0.1, 0.8), (2, 0.5, 0.6), (4, 0.9, 0.8))),
        ("0%:0,0 50%:.5,0.5 100%:1,1", ((0, 0, 0), (2, 0.5, 0.5), (4, 1, 1))),
        ("0s: 0.1, 0.8;  1.5 s : 0.2,0.2", ((0, 0.1, 0.8), (1.5, 0.2, 0.2))),
        ("0.25,0.75", ((0, 0.25, 0.75),)),
        ("1s:0.25,0.75", ((1, 0.25, 0.75),)),
    ],
)
def test_points_have_a_time_and_a_place(text, points):
    assert parse_path(text, 4.0) == points


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it has no points; write it as"),
        ("banana", "'0s:banana' is not a point; write it as"),
        ("0s:0.1,0.8 2s", "'2s' is not a point"),
        ("0s:0.1,0.8,3", "'0s:0.1,0.8,3' is not a point"),
        ("0s:0.1,high", "'high' in '0s:0.1,high' is not a number"),
        ("2:0.1,0.8", '\'2\' is not a time; write it as "2s" or "50%"'),
        ("-1s:0.1,0.8", "'-1s' is not a time"),
        ("0s:1.2,0.8", "x of the point at 0 s is 1.2, outside 0 to 1; nearest: 1"),
        ("0s:0.2,-3", "y of the point at 0 s is -3, outside 0 to 1; nearest: 0"),
        ("0s:nan,0.5", "x of the point at 0 s is nan"),
        ("2s:0.1,0.8 1s:0.5,0.5", "a point at 1 s follows one at 2 s; times ascend; nearest: 2.1s"),
        ("2s:0.1,0.8 50%:0.5,0.5", "a point at 2 s follows one at 2 s"),
        ("0s:0.1,0.8 9s:0.5,0.5", "a point at 9 s comes after the end of the shot (4 s); nearest: 4s"),
        ("150%:0.5,0.5", "'150%' comes after the end of the shot; nearest: 100%"),
    ],
)
def test_what_cannot_be_followed_is_named_with_the_nearest_that_can(text, problem):
    with pytest.raises(RequestError) as error:
        parse_path(text, 4.0)
    assert str(error.value).startswith("path: ")
    assert problem in str(error.value)


def test_shares_need_a_length_and_seconds_do_not():
    with pytest.raises(RequestError, match="length is not known"):
        parse_path("50%:0.5,0.5")
    assert parse_path("2s:0.5,0.5") == ((2.0, 0.5, 0.5),)


def test_points_from_python_are_checked_alike():
    assert check_path([(0.0, 0.1, 0.2)]) == ((0.0, 0.1, 0.2),)
    with pytest.raises(RequestError, match="nearest: 0s"):
        check_path([(-1.0, 0.1, 0.2)])
