from functools import cached_property

from vitascope.jobs.model_cache import ModelCache, release
from vitascope.testing.fakes import FakeBackend


class Loads(FakeBackend):
    def __init__(self, name: str):
        self.name, self.loaded = name, 0

    @cached_property
    def networks(self) -> str:
        self.loaded += 1
        return f"the networks of {self.name}"


def test_the_least_recently_used_is_let_go():
    made: dict[str, Loads] = {}

    def find(name: str) -> Loads:
        return made.setdefault(name, Loads(name))

    warm = ModelCache(find, keep=2)
    for name in ("a", "b", "a", "c", "a", "b"):
        assert warm.get(name).networks == f"the networks of {name}"
    assert {name: one.loaded for name, one in made.items()} == {"a": 1, "b": 2, "c": 1}
    assert "networks" in vars(made["b"])
    assert "networks" not in vars(made["c"])
    warm.release_all()
    assert not any("networks" in vars(one) for one in made.values())


def test_a_backend_may_know_better_how_to_let_go():
    class Knows(Loads):
        def release(self) -> None:
            self.name = "released"

    backend = Knows("x")
    release(backend)
    assert backend.name == "released"
