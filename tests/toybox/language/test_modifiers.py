import pytest

from vitascope.toybox.language.modifiers import take_asides, take_camera_denials, take_denials


@pytest.mark.parametrize(
    ("text", "rest", "denied"),
    [
        ("a cat without people or cars , please", "a cat , , please", ("people", "cars")),
        ("no people on the beach", ", on the beach", ("people",)),
        ("a penguin without friends stands alone", "a penguin , stands alone", ("friends",)),
        ("melting ? no , spinning", "melting ? no , spinning", ()),
        ("a cat and no red cars and a dog", "a cat and , and a dog", ("red cars",)),
        ("without", "without", ()),
    ],
)
def test_what_is_not_wanted_is_taken_out(text: str, rest: str, denied: tuple[str, ...]):
    words, found = take_denials(text.split())
    assert (" ".join(words), found) == (rest, denied)


def test_a_denied_zoom_is_no_zoom():
    assert take_camera_denials("a cat , without zoom") == ("a cat , ,", ("zoom",))
    assert take_camera_denials("a cat , zoom in") == ("a cat , zoom in", ())


@pytest.mark.parametrize(
    ("prompt", "seconds"),
    [
        ("a 4 second clip of a cat", 4),
        ("a cat, 2.5s", 2.5),
        ("for ten seconds", 10),
        ("1 minute of rain", 60),
        ("8 cats", None),
    ],
)
def test_length(prompt: str, seconds: float | None):
    assert take_asides(prompt).seconds == seconds


@pytest.mark.parametrize(
    ("prompt", "sound"),
    [
        ("a cat with the sound of waves, at night", "waves"),
        ("a dog with calm piano music", "calm piano music"),
        ("a cat", ""),
    ],
)
def test_sound(prompt: str, sound: str):
    assert take_asides(prompt).sound == sound
