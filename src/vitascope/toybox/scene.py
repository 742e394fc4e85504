"""A scene: what one clip shows, as one label per field."""

from dataclasses import dataclass

SETS = (
    "garden", "meadow", "forest", "beach", "underwater", "desert",
    "snow", "city", "space", "room", "stage", "farm",
)  # fmt: skip
SEASONS = ("spring", "summer", "autumn", "winter")
TIMES = ("day", "sunset", "night")
WEATHERS = ("clear", "rain", "snow")
STYLES = ("clay", "watercolour", "pencil", "noir")
ACTIONS = ("stand", "walk", "run", "jump", "spin", "dance", "grow", "fly", "swim", "drive", "fall", "roll")
CAMERAS = (
    "static", "pan-left", "pan-right", "tilt-up", "tilt-down",
    "zoom-in", "zoom-out", "roll-left", "roll-right", "shake",
)  # fmt: skip

SEASON_SETS = ("garden", "meadow", "forest", "farm")
"""Sets that look different in each season; everywhere else the season is `summer`."""
NO_SEASON = "summer"


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
    return ("day", "night") if set_ in ("room", "stage") else TIMES


def weathers_of(set_: str, season: str) -> tuple[str, ...]:
    """Return the weathers that a set can show in a season: snow falls where and when it is cold."""
    if set_ in ("space", "underwater", "room", "stage", "desert"):
        return ("clear",)
    if set_ == "snow" or season == "winter":
        return ("clear", "snow")
    return ("clear", "rain", "snow") if set_ == "city" else ("clear", "rain")


def sets_of(action: str) -> tuple[str, ...]:
    """Return the sets where an action makes sense: swimming needs water, wheels and wings stay out of it."""
    if action == "swim":
        return ("underwater",)
    if action in ("fly", "drive", "roll", "run"):
        return tuple(name for name in SETS if name != "underwater")
    return SETS
