"""The road of one request: the stages in order, on one screen.

`plan` and `generate` are the road for any backend; `render` is the middle of it for a backend whose model makes
latents on this machine; `deliver` is its end. (5 finish/ and 6 audio/ come between when they hold something.)
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from vitascope.backends.base import Backend
from vitascope.conditioning.build import Encode, condition
from vitascope.decode.video import Decoder, decode
from vitascope.deliver.mux import save
from vitascope.deliver.record import make_record
from vitascope.denoise.run import Denoiser, denoise
from vitascope.progress import Progress
from vitascope.prompt.resolve import resolve
from vitascope.types import Clip, Plan, Shot


@dataclass(frozen=True)
class LatentModel:
    """The three networks of a model that works in latents, and the checksums of its weights."""

    encode: Encode
    denoiser: Denoiser
    decoder: Decoder
    weights: dict[str, str]


def plan(shot: Shot, backend: Backend) -> Plan:
    """Return the shot with nothing left unsaid, before any work; raises `RequestError`."""
    said = resolve(shot, backend.card.world, backend.embed)  # 1 prompt/: words -> Shot
    planned = backend.plan(said.shot)
    return Plan(planned.shot, said.notes + planned.notes)


def generate(shot: Shot, backend: Backend, progress: Progress) -> Clip:
    """Plan a shot and render it; what was guessed or changed on the way is told and recorded."""
    planned = plan(shot, backend)
    for note in planned.notes:
        progress.note(note)
    clip = backend.render(planned.shot, progress)
    return replace(clip, record=replace(clip.record, notes=planned.notes))


def render(shot: Shot, load: Callable[[], LatentModel], progress: Progress) -> Clip:
    """Render a planned shot with a model that works in latents."""
    with progress.phase("load"):
        model = load()
    with progress.phase("encode"):
        conditioning = condition(shot, model.encode)  # 2 conditioning/: Shot -> Conditioning
    latents = denoise(shot, conditioning, model.denoiser, progress)  # 3 denoise/: Conditioning -> Latents
    frames = decode(latents, model.decoder, progress)  # 4 decode/: Latents -> Clip
    return Clip(frames, latents.fps, make_record(shot, model.weights, progress))


def deliver(clip: Clip, path: Path, progress: Progress, *, force: bool = False) -> Path:
    """Write a clip with its record; raises `OutputError`."""
    with progress.phase("write"):
        return save(clip, path, force=force)  # 7 deliver/: Clip -> file
