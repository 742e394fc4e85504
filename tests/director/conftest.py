import pytest

from vitascope.director.film import Film, parse_film
from vitascope.testing.fakes import register_fakes

SHOTS = (
    {"prompt": "a cat", "num_frames": 9},
    {"prompt": "a dog", "num_frames": 9, "continue": True},
    {"prompt": "a cat jumps", "num_frames": 5, "crossfade": 0.25},
)


@pytest.fixture(autouse=True)
def fakes() -> None:
    register_fakes()


def film(*shots: dict, **said) -> Film:
    """A film of the fake model."""
    return parse_film({"title": "A walk", "model": "fake", "seed": 7, **said, "shots": shots or SHOTS})
