"""How Toybox lays out the numbers of one token: by name, and nowhere else by number.

The networks, their training and the stages that feed them all read these names. The strides and the channels of the
latents are also in the manifest of the weights; `check` refuses weights of another layout.
"""

from vitascope.errors import WeightsError
from vitascope.types import LatentSpec

TIME_STRIDE = 4
"""Frames that one latent frame covers; the first covers one."""
SPACE_STRIDE = 16
"""Pixels along each side of one latent cell."""
LATENT_CHANNELS = 352
"""Numbers in one latent cell."""
LATENTS = LatentSpec(LATENT_CHANNELS, TIME_STRIDE, SPACE_STRIDE)

CAMERA_CHANNELS = 8
"""Numbers of the camera in one token; see `camera/path.py`."""
SUBJECT_CHANNELS = 34
"""Numbers of the subject in one token; see `toybox/motion/trajectory.py::subject_channels`."""
EXTRA_CHANNELS = 1 + LATENT_CHANNELS + CAMERA_CHANNELS + SUBJECT_CHANNELS
"""Numbers beside the latents in one token."""

GIVEN = slice(0, 1)
"""1 where the token is given, 0 where it is wanted."""
SOURCE = slice(GIVEN.stop, GIVEN.stop + LATENT_CHANNELS)
"""The latents of the clip that an edit starts from."""
CAMERA = slice(SOURCE.stop, SOURCE.stop + CAMERA_CHANNELS)
SUBJECT = slice(CAMERA.stop, CAMERA.stop + SUBJECT_CHANNELS)
"""The subject nearest to the camera; those of the others come after it."""
TOKEN = slice(0, CAMERA.stop)
"""All but the subjects."""

REFERENCE_SECONDS = 8.0
"""How long before the clip the tokens of a reference picture lie."""


def check(spec: LatentSpec) -> None:
    """Raise `WeightsError` for weights whose latents are laid out in another way."""
    if spec != LATENTS:
        raise WeightsError(f"the weights state {spec}, but this version of Toybox reads {LATENTS}")
