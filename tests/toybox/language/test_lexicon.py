import pytest

from vitascope.toybox.language.lexicon import HEARD, NEAR, SAID, article, inflect
from vitascope.toybox.world import FULL


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("walk", ("walk", "walks", "walking", "walked")),
        ("hop", ("hop", "hops", "hopping", "hopped")),
        ("dance", ("dance", "dances", "dancing", "danced")),
        ("hurry", ("hurry", "hurries", "hurrying", "hurried")),
        ("dash", ("dash", "dashes", "dashing", "dashed")),
        ("play", ("play", "plays", "playing", "played")),
        ("run", ("run", "runs", "running", "ran")),
        (
            "jump up and down",
            ("jump up and down", "jumps up and down", "jumping up and down", "jumped up and down"),
        ),
    ],
)
def test_verbs_are_inflected(verb: str, forms: tuple[str, ...]):
    assert inflect(verb) == forms


@pytest.mark.parametrize("noun", ["a cat", "an owl", "a unicorn", "an elephant", "a UFO".lower()])
def test_articles(noun: str):
    assert article(noun.split()[1]) == noun


def test_every_label_can_be_said():
    fields = {"action": "actions", "place": "sets", "route": "sets", "season": "seasons", "time": "times",
              "weather": "weathers", "style": "styles", "camera": "cameras"}  # fmt: skip
    for kind, field in fields.items():
        assert tuple(SAID[kind]) == getattr(FULL, field)


def test_heard_and_near_words_lead_to_known_labels():
    assert {label for labels in HEARD["action"] for label in labels.split()} <= set(FULL.actions)
    for source in (HEARD, NEAR):
        for field in set(source) - {"action"}:
            assert set(source[field]) <= set(getattr(FULL, field + "s"))
