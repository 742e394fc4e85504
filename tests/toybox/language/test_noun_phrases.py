from vitascope.toybox.language.parse import parse


def described(prompt: str) -> list[tuple[str, int | None, tuple[str, ...]]]:
    return [(thing.name, thing.count, thing.attributes) for thing in parse(prompt).asked.things]


def test_things_have_numbers_and_attributes():
    assert described("two small red cats and a dog") == [("cats", 2, ("red", "small")), ("dog", 1, ())]
    assert described("many ducks, the owl, a pair of swans") == [
        ("ducks", 0, ()),
        ("owl", None, ()),
        ("swans", 2, ()),
    ]
    assert described("a hedgehog wearing a tiny hat") == [("hedgehog", 1, ("wearing tiny hat",))]


def test_attributes_are_told_in_any_language():
    for prompt in (
        "un gato negro",
        "eine schwarze Katze",
        "黑色的猫",
        "黒い猫",
        "قطة سوداء",
        "काली बिल्ली",
        "чёрная кошка",
    ):
        assert described(prompt) == [("cat", 1, ("black",))], prompt


def test_things_stand_in_relations():
    relations = parse("a cat next to a dog, a monkey riding an elephant").asked.relations
    assert [(r.first, r.words, r.second) for r in relations] == [
        ("cat", "next to", "dog"),
        ("monkey", "riding", "elephant"),
    ]


def test_and_is_no_relation():
    assert parse("a cat and a dog").asked.relations == ()
