"""Half a scene to a whole one: what is not said is filled in with what suits, the same every time."""

from collections.abc import Mapping

from vitascope.toybox.cast.lookup import find_entry
from vitascope.toybox.language.lexicon import SAID, article, inflect
from vitascope.toybox.scene import NO_SEASON, Scene, seasons_of, sets_of, times_of, weathers_of
from vitascope.toybox.world import NOBODY, World, cast, find_subject, is_held_out, page_name

FIRST_SUBJECTS = ("cat", "dog", "rocket", "fish")
"""Who plays when nobody is asked for, if the rest suits them."""
NATURAL = ("swim", "drive", "walk", "fly", "roll", "run", "dance", "jump", "spin", "fall", "grow", "stand")
"""What a subject does when nobody says, the first that it can."""
STILL = ("thing", "plant", "building", "face")
"""Kinds of pages that do nothing where nobody says what they do."""
PLAIN = {"season": ("summer", "spring"), "time": ("day",), "weather": ("clear",), "style": ("clay",)}
"""Labels that are filled in where the set allows them."""


def complete(said: Mapping[str, str], world: World) -> Scene:
    """Return a scene with the labels that are said (all known to the world) and others that suit them.

    Compositions that training never saw are filled in last. A label that the set cannot show gives way.
    """
    subject = said["subject"] if "subject" in said else _subject(said, world)
    action, place = said.get("action"), said.get("set")
    options = [
        (doing, where)
        for doing in ([action] if action else _actions(subject, world))
        for where in ([place] if place else _places(subject, doing, said, world))
        if action or place is None or where in sets_of(doing)
    ]
    action, place = min(
        options or [(action or "stand", place or world.sets[0])],
        key=lambda pair: is_held_out(Scene(subject, *pair)),
    )
    weather = said.get("weather", "")
    season = said.get("season") or ("winter" if weather == "snow" else "")
    season = _allowed("season", season, seasons_of(place), world.seasons)
    return Scene(
        subject,
        action,
        place,
        season,
        time=_allowed("time", said.get("time", ""), times_of(place), world.times),
        weather=_weather(weather, place, season, world),
        style=said.get("style") or _plain("style", world.styles, world.styles),
        camera=said.get("camera", "static"),
    )


def oddities(scene: Scene, unsaid: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return in words what training never shows of a scene: "a cat that flies", "snow in summer".

    Of a subject or a set that is `unsaid` nothing is odd.
    """
    subject = find_subject(scene.subject)
    name, place = article(subject.name), SAID["place"][scene.set][0]
    odd = []
    if "subject" not in unsaid and scene.action not in subject.actions:
        odd.append(f"{name} that {inflect(scene.action)[1]}")
    if "set" in unsaid:
        return tuple(odd)
    if not odd and scene.set not in sets_of(scene.action):
        odd.append(f"{name} that {inflect(scene.action)[1]} {place}")
    if "subject" not in unsaid and scene.set not in subject.sets:
        odd.append(f"{name} {place}")
    if scene.weather not in weathers_of(scene.set, scene.season):
        odd.append(
            f"{scene.weather} in {scene.season}"
            if len(seasons_of(scene.set)) > 1
            else f"{scene.weather} {place}"
        )
    return tuple(odd)


def _subject(said: Mapping[str, str], world: World) -> str:
    if world.open_cast:
        return NOBODY.id

    def misfits(name: str) -> int:
        subject = cast()[name]
        return (said.get("action", subject.actions[0]) not in subject.actions) + (
            said.get("set", subject.sets[0]) not in subject.sets
        )

    first = [name for name in FIRST_SUBJECTS if name in world.subjects]
    return min([*first, *world.subjects], key=misfits)


def _actions(subject: str, world: World) -> list[str]:
    if world.open_cast and subject and find_entry(page_name(subject)).kind in STILL:
        return ["stand"]
    can = [
        action for action in NATURAL if action in find_subject(subject).actions and action in world.actions
    ]
    return can or [next((action for action in NATURAL[::-1] if action in world.actions), "stand")]


def _places(subject: str, action: str, said: Mapping[str, str], world: World) -> list[str]:
    """Return the sets that suit the subject and the action best, and show season, time and weather."""

    def misfits(place: str) -> int:
        season = said.get("season", NO_SEASON if len(seasons_of(place)) == 1 else "")
        seasons = [season] if season else list(seasons_of(place))
        return (
            4 * (place not in sets_of(action))
            + 2 * (place not in find_subject(subject).sets)
            + (said.get("season", seasons[0]) not in seasons_of(place))
            + (said.get("time", "day") not in times_of(place))
            + all(said.get("weather", "clear") not in weathers_of(place, season) for season in seasons)
        )

    own = [place for place in find_subject(subject).sets if place in world.sets]
    scores = {place: misfits(place) for place in (*own, *world.sets)}
    return [place for place, score in scores.items() if score == min(scores.values())]


def _allowed(field: str, said: str, possible: tuple[str, ...], known: tuple[str, ...]) -> str:
    return said if said in possible and said in known else _plain(field, possible, known)


def _weather(said: str, place: str, season: str, world: World) -> str:
    """Return the weather, even one that does not go with the season, but none where no weather gets in."""
    possible = weathers_of(place, season)
    return said if said and len(possible) > 1 else _plain("weather", possible, world.weathers)


def _plain(field: str, possible: tuple[str, ...], known: tuple[str, ...]) -> str:
    usable = [label for label in possible if label in known] or list(possible)
    return next((label for label in PLAIN[field] if label in usable), usable[0])
