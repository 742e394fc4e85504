"""What the judge's word is worth for a scene: the judge itself is in `toybox/classifier.py`."""

from vitascope.toybox.classifier import JudgeCard
from vitascope.toybox.scene import Scene, seasons_of, times_of, weathers_of


def expected(card: JudgeCard, metric: str, scene: Scene) -> float | None:
    """Return a metric's mean on rendered clips of this style and camera, None if there were none."""
    return card.reference.get(metric, {}).get(reference_key(scene))


def reference_key(scene: Scene) -> str:
    """Return the key under which a card keeps reference values for scenes like this one."""
    return f"{scene.style} {scene.camera}"


def matters(scene: Scene) -> dict[str, bool]:
    """Say for each field whether a clip of this scene can show it: no season at sea, no weather in a room."""
    return {
        **dict.fromkeys(("subject", "action", "set", "style", "camera"), True),
        "season": len(seasons_of(scene.set)) > 1,
        "time": len(times_of(scene.set)) > 1,
        "weather": len(weathers_of(scene.set, scene.season)) > 1,
    }
