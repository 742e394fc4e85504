"""Shots as planning leaves them, for tests of the stages after it."""

from vitascope.givens.load import Known
from vitascope.toybox.brief import Briefs
from vitascope.toybox.conditioning.build import condition
from vitascope.toybox.conditioning.windows import Window
from vitascope.toybox.motion.encoders import Encoders
from vitascope.toybox.motion.plan import Choreography, choreograph
from vitascope.types import Conditioning, PlannedShot, Shot


def planned(shot: Shot) -> PlannedShot:
    """Return a shot with the little that a test leaves open filled in."""
    usual = {"seed": 1, "steps": 1, "guidance_scale": 1.0, "caption": shot.prompt}
    missing = {name: value for name, value in usual.items() if getattr(shot, name) is None}
    return PlannedShot.of(shot.model_copy(update=missing))


def choreographed(shot: Shot, known: Known, encoders: Encoders) -> Choreography:
    """Return where everything goes in a shot."""
    whole = planned(shot)
    return choreograph(whole, Briefs.of(whole), known, encoders)


def conditioned(
    shot: Shot, known: Known, window: Window, encoders: Encoders, choreography: Choreography | None = None
) -> Conditioning:
    """Return what the network is told of a window of a shot."""
    whole = planned(shot)
    choreography = choreography or choreographed(shot, known, encoders)
    return condition(whole, Briefs.of(whole), known, window, encoders, choreography)
