"""`vitascope generate`: words in, a clip out."""

from collections.abc import Mapping

from vitascope.api import make_shot
from vitascope.backends.base import ReadsPrompts
from vitascope.backends.registry import backend
from vitascope.cli import shot_options
from vitascope.cli.progress_bar import Screen
from vitascope.cli.run import make
from vitascope.cli.shot_options import Framing, Making, command
from vitascope.errors import RequestError
from vitascope.types import Plan, Shot


@command
def generate(
    prompt: shot_options.Prompt,
    *,
    framing: Framing,
    enhance: shot_options.Enhance = False,
    server: shot_options.Server = None,
    no_wait: shot_options.NoWait = False,
    making: Making,
) -> None:
    """Make a clip from words."""
    delivery = making.delivery
    local_only = {
        "stream": making.stream,
        "resume": making.resume,
        "dry_run": making.dry_run,
        "fallback": making.fallback,
    }
    check_place(server, local_only, no_wait)
    frame_fields = framing.shot_fields(making.fit)
    pictured, options = bool(frame_fields["givens"]), making.shot_fields

    def shot(model: str) -> Shot:
        words = enhanced(prompt, model, pictured=pictured) if enhance else prompt
        return make_shot(words, model=model, **frame_fields, **options)

    if server is None:
        make(lambda model: Plan(shot(model)), making.models, delivery)
        return
    from vitascope.cli.remote import generate_there

    generate_there(
        shot(making.model),
        server,
        number=making.number,
        output=making.output,
        wait=not no_wait,
        seeded=making.seed is not None,
        as_json=making.as_json,
        force=making.force,
    )


def check_place(server: str | None, local_only: Mapping[str, object], no_wait: bool) -> None:
    """Raise `RequestError` for what only makes sense here, or only there."""
    for name, value in local_only.items():
        if server is not None and value:
            raise RequestError(name, "does not go together with --server", "leave one out")
    if server is None and no_wait:
        raise RequestError("no_wait", "needs a server", "say --server URL, or: vitascope jobs submit")


def _reader() -> ReadsPrompts:
    """Return the backend that reads prompts for models that take free text."""
    reader = backend("toybox")
    assert isinstance(reader, ReadsPrompts)
    return reader


def enhanced(prompt: str, model: str, *, pictured: bool) -> str:
    """Return a fuller prompt, and say what it is and who wrote it."""
    reader = backend(model)
    fuller = (reader if isinstance(reader, ReadsPrompts) else _reader()).enhance(prompt, pictured=pictured)
    for line in (f'prompt, enhanced by {fuller.by}: "{fuller.prompt}"', *fuller.notes):
        Screen().say(line)
    return fuller.prompt
