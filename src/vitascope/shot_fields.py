"""What you can say about a shot, declared once: title, unit, limits, example and help of every field.

Python's signatures, the command line, the HTTP schema, the film script and the requests to other servers all take their
names, limits and help from here; `tests/test_shot_fields.py` holds each of them against it.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

MAX_STEPS = 200
MAX_GUIDANCE = 20.0
MAX_SEED = 2**63 - 1
MAX_FPS = 240.0
MAX_SECONDS = 36_000.0
MAX_FRAMES = 1_000_000


def _field(
    title: str,
    help: str,
    example: Any,
    *,
    unit: str = "",
    least: float | None = None,
    most: float | None = None,
    http: str = "",
    film: str = "",
    flag: str = "",
    wire: str = "",
    only: tuple[str, ...] = (),
) -> Any:
    """Return the declaration of a field.

    `http`, `film`, `flag` and `wire` are its names in the HTTP API, in a film script, on the command line and in
    requests to other servers, where those are not its own; `only` names the commands that take it, where not all do.
    """
    extra = {
        "unit": unit,
        "least": least,
        "most": most,
        "http": http,
        "film": film,
        "flag": flag,
        "wire": wire,
        "only": list(only),
    }
    return Field(None, title=title, description=help, examples=[example], json_schema_extra=extra)


class ShotFields(BaseModel):
    """Every field of a shot, as you say it to `generate`, `extend` and `edit`."""

    model_config = ConfigDict(frozen=True)

    prompt: str = _field(
        "Prompt", "What the clip shows, in words.", "a cat walks in a garden, slow zoom in", http="prompt"
    )
    negative_prompt: str | None = _field(
        "Negative prompt", "What the clip must not show, in words.", "rain", wire="negative_prompt"
    )
    seconds: float | None = _field(
        "Length", "Length of the clip in seconds.", 2.5, unit="seconds", least=0.01, most=MAX_SECONDS,
        only=("generate", "extend"),
    )  # fmt: skip
    num_frames: int | None = _field(
        "Frames", "Length of the clip in frames, in place of seconds.", 41, unit="frames", least=1, most=MAX_FRAMES,
        wire="num_frames", only=("generate",),
    )  # fmt: skip
    fps: float | None = _field(
        "Frame rate", "Frame rate in frames per second.", 24, unit="frames per second", least=1, most=MAX_FPS,
        wire="fps", only=("generate",),
    )  # fmt: skip
    size: str | tuple[int, int] | None = _field(
        "Size", "Width and height in pixels.", "256x256", unit="pixels", only=("generate",)
    )
    aspect_ratio: str | None = _field(
        "Aspect ratio",
        "Width to height, in place of a size.",
        "16:9",
        wire="aspect_ratio",
        only=("generate",),
    )
    seed: int | None = _field(
        "Seed", "Seed of the noise: the same seed gives the same clip. Without one it is drawn at random.", 7,
        least=0, most=MAX_SEED, wire="seed",
    )  # fmt: skip
    preset: str | None = _field(
        "Preset", "How much work goes into the clip: draft, standard or quality.", "draft", wire="preset"
    )
    steps: int | None = _field(
        "Steps", "Number of denoising steps: more are slower and finer.", 20, least=1, most=MAX_STEPS,
        wire="num_inference_steps",
    )  # fmt: skip
    guidance_scale: float | None = _field(
        "Guidance scale", "How closely the clip follows the words; 1 switches guidance off.", 3.0, least=0.0,
        most=MAX_GUIDANCE, wire="guidance_scale",
    )  # fmt: skip
    camera: Any = _field(
        "Camera",
        'Camera moves and their amounts, as in "zoom-in 0.3, pan-left".',
        "zoom-in 0.3",
        wire="camera",
    )
    path: Any = _field(
        "Path", 'Path of the subject: seconds and places, as in "0s:0.1,0.8 1s:0.9,0.8".', "0s:0.1,0.8 1s:0.9,0.8",
        wire="path",
    )  # fmt: skip
    at: Any = _field("At", "What happens from a time on.", {"1.5": "it jumps"}, only=("generate",))
    image: Any = _field(
        "First frame",
        "Picture to use as the first frame.",
        "cat.png",
        http="input_reference",
        only=("generate",),
    )
    last_image: Any = _field("Last frame", "Picture to use as the last frame.", "end.png", only=("generate",))
    keyframes: Any = _field(
        "Key frames", "Picture to show at a time.", {"1.5": "middle.png"}, flag="keyframe", only=("generate",)
    )
    reference: Any = _field(
        "Reference", "Picture of the subject; it is no part of the clip.", "cat.png", http="input_references",
        film="references", only=("generate", "edit"),
    )  # fmt: skip
    pose_video: Any = _field(
        "Pose video", "Video of a moving body, for models that copy motion.", "pose.mp4", only=("generate",)
    )
    face_video: Any = _field(
        "Face video", "Video of a moving face, for models that copy motion.", "face.mp4", only=("generate",)
    )
    fit: str | None = _field("Fit", "How to fit pictures of another shape: crop, pad or stretch.", "crop")
    loop: bool | None = _field(
        "Loop", "End the clip with the frame that it begins with.", True, wire="loop", only=("generate",)
    )
    style: str | None = _field("Style", "Style of the picture.", "watercolour", wire="style")
    quality: str | None = _field(
        "Quality",
        "Speed against quality: lossless (the model's best), high, medium or low.",
        "high",
        wire="quality",
    )
    memory: str | None = _field(
        "Memory plan", "How to place the model in memory, as in device, offload or stream+tiled.", "offload"
    )
    lora: Any = _field(
        "LoRA", "LoRA to add to the model, as PATH_OR_ID or PATH_OR_ID:SCALE.", "style.safetensors:0.8"
    )
    model: str | None = _field("Model", "Model that makes the clip.", "toybox")
    fallback: Any = _field("Fallback", "Model to use if the first one cannot make the clip.", "toybox")
    before: bool | None = _field(
        "Before", "Add to the beginning of the video, not to its end.", True, only=("extend",)
    )
    mask: Any = _field("Mask", "Picture whose white part is made anew.", "mask.png", only=("edit",))
    box: Any = _field(
        "Box",
        "Part to make anew, as X,Y,W,H: shares of the picture, or pixels.",
        "0.25,0.4,0.5,0.5",
        only=("edit",),
    )
    span: Any = _field("Span", "Stretch of time to make anew.", "1s-2s", only=("edit",))
    outpaint: str | None = _field(
        "Outpaint", "Wider or taller ratio: what lies beside the picture is made.", "16:9", only=("edit",)
    )
    strength: float | None = _field(
        "Strength", "How far an edit by instruction may go from the video.", 0.6, least=0.0, most=1.0, only=("edit",)
    )  # fmt: skip


COMMANDS = ("generate", "extend", "edit")
FIELDS = ShotFields.model_fields
FILES = ("image", "last_image", "keyframes", "reference", "pose_video", "face_video", "mask")
"""Fields that name files."""


def field_extra(name: str) -> dict[str, Any]:
    """Return a field's unit, limits, other names and commands."""
    extra = FIELDS[name].json_schema_extra
    assert isinstance(extra, dict)
    return dict(extra)


def field_limits(name: str) -> tuple[float | None, float | None]:
    """Return the smallest and the largest value of a field, None where it has none."""
    extra = field_extra(name)
    return extra["least"], extra["most"]


def field_help(name: str) -> str:
    """Return what a field means, in one sentence or two; its limits, where both are short, come in brackets."""
    text = FIELDS[name].description or ""
    least, most = field_limits(name)
    if least is None or most is None or most > MAX_STEPS:
        return text
    return f"{text.removesuffix('.')} ({least:g} to {most:g})."


def field_schema(name: str, note: str = "") -> dict[str, Any]:
    """Return title, description and example of a field for a pydantic model; a note says more of its form there."""
    about = FIELDS[name]
    description = f"{field_help(name)} {note}".strip()
    # A file of this machine is no example for somebody at another one.
    examples = None if name in FILES else about.examples
    return {"title": about.title, "description": description, "examples": examples}


def field_name(name: str, kind: str) -> str:
    """Return the name of a field for one `kind` of caller: "http", "film", "flag" or "wire"."""
    return field_extra(name)[kind] or name


def fields_of(command: str) -> tuple[str, ...]:
    """Return the names of the fields that a command takes."""
    return tuple(name for name in FIELDS if command in (field_extra(name)["only"] or COMMANDS))


def describe_shot(schema: dict[str, Any]) -> None:
    """Add title, description and example of each field to the JSON schema of a shot."""
    names = {"loras": "lora", "script": "at"}
    for name, entry in schema.get("properties", {}).items():
        field = str(names.get(name, name))
        if field in FIELDS:
            about = FIELDS[field]
            entry |= {"title": about.title, "description": field_help(field)}
