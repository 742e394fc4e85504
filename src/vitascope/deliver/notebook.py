"""A clip as a piece of HTML that notebooks show: the file itself, in a player."""

import base64
import tempfile
from html import escape
from pathlib import Path

from vitascope.deliver.mux import save
from vitascope.escaping import escaped
from vitascope.types import Clip

MAX_BYTES = 32 * 2**20
"""Largest file to lay into a notebook, which is saved with all that it shows."""


def player(clip: Clip) -> str:
    """Return HTML with the clip as an MP4 file, marks and record included, or a line of text if it is too large."""
    _, height, width, _ = clip.frames.shape
    shot = clip.record.shot
    facts = f"{clip.seconds:g} s, {width}x{height}, {clip.fps:g} fps, seed {shot.seed}"
    caption = escape(f"{escaped(shot.prompt)} ({facts})")
    with tempfile.TemporaryDirectory() as folder:
        file = save(clip, Path(folder) / "clip.mp4")
        if file.stat().st_size > MAX_BYTES:
            return f'<p>{caption}: too large to show here, use <code>clip.save("clip.mp4")</code></p>'
        data = base64.b64encode(file.read_bytes()).decode("ascii")
    return (
        f'<figure style="margin:0"><video controls loop muted playsinline width="{min(width * 2, 640)}" '
        f'src="data:video/mp4;base64,{data}"></video><figcaption>{caption}</figcaption></figure>'
    )
