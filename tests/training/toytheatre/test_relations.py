import numpy as np
import pytest

from tests.training.toytheatre.test_atlas import COMMITTED
from vitascope.toybox.scene import Scene
from vitascope.training.toytheatre.atlas import load_atlas
from vitascope.training.toytheatre.relations import RELATIONS, related
from vitascope.training.toytheatre.render import Theatre
from vitascope.training.toytheatre.take import Role, Take
from vitascope.types import VideoShape

TAKE = Take(Scene("cat", "stand", "meadow"), seed=5)
DOG = Role("dog", "stand", 7)


@pytest.fixture(scope="module")
def theatre() -> Theatre:
    return Theatre(load_atlas(COMMITTED), VideoShape(num_frames=9, height=32, width=32, fps=8.0), variants=1)


def boxes(
    theatre: Theatre, relation: str, action: str = "stand"
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return the boxes of the cat and the dog [frames 4], and who is there, the nearest first."""
    scene = Scene("cat", action, "meadow")
    take = related(Take(scene, 5), relation, Role("dog", action, 7))
    there = theatre.stage(take).truth.cast
    found = {one.subject: one.boxes for one in there}
    return found["cat"], found["dog"], tuple(one.subject for one in there)


def middles(box: np.ndarray) -> np.ndarray:
    return (box[:, 0] + box[:, 2]) / 2


def test_left_and_right_are_where_they_say(theatre: Theatre):
    cat, dog, _ = boxes(theatre, "left of")
    assert (middles(cat) < middles(dog) - 0.3).all()
    cat, dog, _ = boxes(theatre, "right of")
    assert (middles(cat) > middles(dog) + 0.3).all()


def test_who_is_behind_stands_higher_and_is_drawn_first(theatre: Theatre):
    cat, dog, there = boxes(theatre, "behind")
    assert (cat[:, 3] < dog[:, 3]).all()
    assert there == ("dog", "cat")
    assert boxes(theatre, "in front of")[2] == ("cat", "dog")


def test_a_chase_keeps_its_distance_and_stays_in_view(theatre: Theatre):
    cat, dog, _ = boxes(theatre, "chasing", "run")
    take = related(Take(Scene("cat", "run", "meadow"), 5), "chasing", Role("dog", "run", 7))
    ahead = (middles(dog) - middles(cat)) * (1 if take.facing == "right" else -1)
    assert (ahead > 0.25).all()
    assert np.ptp(ahead) < 0.2
    assert theatre.stage(take).truth.camera[-1, 0] * ahead[0] != 0


def test_two_that_meet_come_nearer(theatre: Theatre):
    cat, dog, _ = boxes(theatre, "meeting", "walk")
    apart = middles(dog) - middles(cat)
    assert apart[0] > apart[-1] + 0.2
    assert (apart > 0).all()


def test_a_rider_is_carried(theatre: Theatre):
    cat, dog, there = boxes(theatre, "on", "walk")
    assert there[0] == "cat"
    assert np.abs(middles(cat) - middles(dog)).max() < 0.15
    assert np.abs(cat[:, 3] - dog[:, 1]).max() < 0.15
    assert (cat[:, 3] < dog[:, 3] - 0.1).all()


def test_all_relations_can_be_seeded_alike(theatre: Theatre):
    for relation in RELATIONS:
        assert related(TAKE, relation, DOG) == related(TAKE, relation, DOG)
