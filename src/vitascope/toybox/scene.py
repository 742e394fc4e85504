"""A scene: what one clip shows, as one label per field."""

from dataclasses import dataclass
from functools import cache

SETS = (
    "garden", "meadow", "forest", "beach", "underwater", "desert",
    "snow", "city", "space", "room", "stage", "farm",
    "mountains", "castle", "sea", "lake", "rink", "street", "road", "playground", "kitchen", "table",
)  # fmt: skip
SEASONS = ("spring", "summer", "autumn", "winter")
TIMES = ("day", "sunset", "night")
WEATHERS = ("clear", "rain", "snow", "fog", "wind", "storm", "sparkles")
STYLES = ("clay", "watercolour", "pencil", "noir", "pixel", "cartoon", "neon", "paper")
ACTIONS = (
    "stand", "walk", "run", "jump", "spin", "dance", "grow", "fly", "swim", "drive", "fall", "roll",
    "hop", "bounce", "float", "swing", "wave", "sleep", "eat", "orbit",
)  # fmt: skip
CAMERAS = (
    "static", "pan-left", "pan-right", "tilt-up", "tilt-down",
    "zoom-in", "zoom-out", "roll-left", "roll-right", "shake",
)  # fmt: skip

SEASON_SETS = (
    "garden", "meadow", "forest", "farm", "mountains", "castle", "lake", "road", "playground",
)  # fmt: skip
"""Sets that look different in each season; everywhere else the season is `summer`."""
NO_SEASON = "summer"

INDOORS = ("room", "stage", "kitchen", "table")
"""Sets under a roof: no sunset, no weather."""

AT_HOME = {
    "mountains": ("meadow", "forest", "snow"), "castle": ("garden",), "sea": ("underwater",),
    "lake": ("meadow", "garden", "farm"),
    "rink": ("snow",), "street": ("city",), "road": ("city", "farm"), "playground": ("garden",),
    "kitchen": ("room",), "table": ("room",),
}  # fmt: skip
"""The later sets: a subject that is at home in one of these earlier ones is at home in them, too."""

OUT_OF_PLACE = {
    "fly": ("underwater",), "drive": ("underwater",), "roll": ("underwater", "sea"), "run": ("underwater", "sea"),
    "walk": ("sea",), "dance": ("sea",), "hop": ("sea",), "bounce": ("underwater", "sea"), "swing": ("sea",),
    "sleep": ("sea",), "eat": ("sea",),
}  # fmt: skip
"""Sets where an action makes no sense: wheels and wings stay out of the water, nobody walks on it."""

STAND_INS = {
    "set": {
        "meadow": ("garden",), "forest": ("garden",), "farm": ("garden",), "stage": ("room",),
        "mountains": ("snow",), "castle": ("city",), "sea": ("beach",), "lake": ("beach",), "rink": ("snow",),
        "street": ("city",), "road": ("city",), "playground": ("garden",), "kitchen": ("room",), "table": ("room",),
    },
    "action": {
        "hop": ("jump", "walk"), "bounce": ("jump", "roll"), "float": ("fly", "swim", "jump"),
        "swing": ("dance", "spin"),
        "wave": ("stand",), "sleep": ("stand",), "eat": ("stand",), "orbit": ("fly", "spin"),
    },
    "weather": {"fog": ("clear",), "wind": ("clear",), "storm": ("rain",), "sparkles": ("clear",)},
    "style": {"pixel": ("clay",), "cartoon": ("clay",), "neon": ("clay",), "paper": ("clay",)},
}  # fmt: skip
"""Field -> label -> what stands in for it in a world that lacks it, the nearest first."""


def stand_in(field: str, label: str, labels: tuple[str, ...], able: tuple[str, ...] = ()) -> str | None:
    """Return the label of a world that stands in for one that it lacks, of those that somebody is `able` to do if any.

    None if nothing is known to stand in for it.
    """
    there = [other for other in STAND_INS.get(field, {}).get(label, ()) if other in labels]
    return next((other for other in there if other in able), there[0] if there else None)


@dataclass(frozen=True)
class Scene:
    """What one clip shows. Every field is the id of a label; `subject` is an id of `subjects.toml`."""

    subject: str
    action: str
    set: str
    season: str = NO_SEASON
    time: str = "day"
    weather: str = "clear"
    style: str = "clay"
    camera: str = "static"


FIELDS = ("subject", "action", "set", "season", "time", "weather", "style", "camera")
"""The fields of a scene, in the order in which a sentence says them."""


def seasons_of(set_: str) -> tuple[str, ...]:
    """Return the seasons that a set can show."""
    return SEASONS if set_ in SEASON_SETS else (NO_SEASON,)


def times_of(set_: str) -> tuple[str, ...]:
    """Return the times of day that a set can show: no sun in space and under water, no sunset indoors."""
    if set_ in ("space", "underwater"):
        return ("day",)
    return ("day", "night") if set_ in INDOORS else TIMES


@cache
def weathers_of(set_: str, season: str) -> tuple[str, ...]:
    """Return the weathers that a set can show in a season: snow falls where and when it is cold."""
    if set_ in ("space", "underwater", "desert", *INDOORS):
        return ("clear",)
    anywhere = ("fog", "wind", "sparkles")
    if set_ in ("snow", "rink") or season == "winter":
        return ("clear", "snow", *anywhere)
    if set_ in ("city", "street"):
        return ("clear", "rain", "snow", "storm", *anywhere)
    return ("clear", "rain", "storm", *anywhere)


@cache
def sets_of(action: str) -> tuple[str, ...]:
    """Return the sets where an action makes sense: swimming needs water, wheels and wings stay out of it."""
    if action == "swim":
        return ("underwater", "sea")
    return tuple(name for name in SETS if name not in OUT_OF_PLACE.get(action, ()))
