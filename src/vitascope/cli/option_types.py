"""The options of the commands that make clips: each said once, with its help."""

from pathlib import Path
from typing import Annotated

import typer

from vitascope.types import Fit, Quality

Prompt = Annotated[str, typer.Argument(help="What to show, in words.", show_default=False)]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="File to write (.mp4), or folder to write into. [default: from the prompt]"
    ),
]
Video = Annotated[Path, typer.Argument(help="The clip to start from.", show_default=False)]
Image = Annotated[Path | None, typer.Option(help="Picture that is the first frame.")]
LastImage = Annotated[Path | None, typer.Option(help="Picture that is the last frame.")]
Keyframes = Annotated[
    list[str] | None,
    typer.Option("--keyframe", metavar="1.5s=FILE", help="Picture at a time; may be repeated."),
]
References = Annotated[list[Path] | None, typer.Option(help="Picture of who is meant; may be repeated.")]
PoseVideo = Annotated[
    Path | None, typer.Option(help="Video of how the body moves, for models that copy motion.")
]
FaceVideo = Annotated[
    Path | None, typer.Option(help="Video of how the face moves, for models that copy motion.")
]
FitOption = Annotated[
    Fit, typer.Option("--fit", help="How pictures of another shape are fitted: crop, pad or stretch.")
]
SubjectPath = Annotated[
    str | None,
    typer.Option("--path", metavar="PATH", help='Where the subject goes, as in "0s:0.1,0.8 2s:0.9,0.8".'),
]
At = Annotated[
    list[str] | None,
    typer.Option(metavar='4s="…"', help="What happens from a time on; may be repeated."),
]
Enhance = Annotated[
    bool, typer.Option("--enhance", help="Say more of a thin prompt first: by rules, or by a chat model.")
]
Loop = Annotated[bool, typer.Option("--loop", help="End where the clip begins.")]
Seconds = Annotated[float | None, typer.Option(help="How long the clip lasts.")]
NumFrames = Annotated[int | None, typer.Option(help="In place of --seconds: how many frames it has.")]
Fps = Annotated[float | None, typer.Option(help="Frames per second.")]
Size = Annotated[str | None, typer.Option(metavar="WxH", help="Width and height in pixels.")]
AspectRatio = Annotated[str | None, typer.Option(metavar="W:H", help="In place of --size.")]
Seed = Annotated[int | None, typer.Option(help="Same seed, same clip. [default: drawn and shown]")]
Preset = Annotated[
    str | None, typer.Option(metavar="NAME", help="How much care: draft, standard or quality.")
]
Steps = Annotated[int | None, typer.Option(help="Denoising steps: more is slower and finer.")]
GuidanceScale = Annotated[float | None, typer.Option(help="How closely the words are followed; 1 is off.")]
NegativePrompt = Annotated[str, typer.Option(help="What to stay away from.", show_default=False)]
Camera = Annotated[str | None, typer.Option(help='Moves and how far, as in "zoom-in 0.3, pan-left".')]
Style = Annotated[str | None, typer.Option(help="Style of the picture.")]
QualityOption = Annotated[
    Quality | None,
    typer.Option("--quality", help="lossless, or faster and nearly the same: high, medium or low."),
]
Memory = Annotated[
    str | None,
    typer.Option(metavar="PLAN", help="How the model lies in memory, as device, offload or stream+tiled."),
]
Loras = Annotated[
    list[str] | None,
    typer.Option("--lora", metavar="PATH_OR_ID[:SCALE]", help="LoRA laid over the model; may be repeated."),
]
Model = Annotated[str, typer.Option(help="What renders the clip.")]
Fallback = Annotated[
    list[str] | None, typer.Option(metavar="MODEL", help="In its place if it cannot; may be repeated.")
]
Number = Annotated[
    int,
    typer.Option(
        "-n", metavar="N", help="Clips to make, with seeds that follow, and a sheet of all of them."
    ),
]
Resume = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Keep every step in this folder; after a kill the same command goes on from the last one.",
    ),
]
Stream = Annotated[
    bool, typer.Option("--stream", help="Write the clip to stdout (fragmented MP4) while it is made.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be made; make nothing.")]
Server = Annotated[
    str | None,
    typer.Option(
        "--server", metavar="URL", help="Let a Vitascope server make it (its token: VITASCOPE_TOKEN)."
    ),
]
NoWait = Annotated[
    bool,
    typer.Option("--no-wait", help="With --server: print the job's name instead of waiting for the clip."),
]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that exists.")]
