"""The atlas: every member's loop as square sprites in one zip file of WebP strips.

`python -m vitascope.training.toytheatre.atlas --out F` builds the full one from the npm packages of Fluent Emoji (MIT);
`--small` the one that is committed. Sprites are cropped to what the loop ever shows, stand on their lower edge and look
right.
"""

import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from jaxtyping import Float, Int, UInt8
from PIL import Image, ImageDraw, ImageSequence

from vitascope.training.toytheatre.cast import SMALL, Member, members

PACKAGES = {
    "still": "@lobehub/fluent-emoji-3d@1.1.0",
    **{f"anim{n}": f"@lobehub/fluent-emoji-anim-{n}@1.0.0" for n in range(1, 5)},
}
FRAMES = 16
SIZE = 112
NEAREST_ALPHA = 24
"""Alpha above which a pixel belongs to the toy."""


@dataclass(frozen=True)
class Atlas:
    """Sprites of some members: straight alpha, stretched to squares; `aspect` is true width over height.

    Each member has its own number of frames, which is `loop_frames` (1 for a still); `loop_seconds` is how long they
    last.
    """

    ids: tuple[str, ...]
    sprites: tuple[UInt8[np.ndarray, "_ 4 size size"], ...]
    aspect: Float[np.ndarray, " members"]
    height: Float[np.ndarray, " members"]
    loop_frames: Int[np.ndarray, " members"]
    loop_seconds: Float[np.ndarray, " members"]


def cache_folder() -> Path:
    """Return the folder where the full atlas and the packages it is made from are kept."""
    base = os.environ.get("VITASCOPE_HOME") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "vitascope" / "toytheatre"


def find_atlas() -> Path:
    """Return the full atlas if it has been built, else the small one of the checkout."""
    full = cache_folder() / "atlas.zip"
    return full if full.exists() else Path(__file__).parent / "atlas_small.zip"


def load_atlas(path: Path) -> Atlas:
    """Read an atlas. Raises FileNotFoundError, or zipfile.BadZipFile for a file that is none."""
    with zipfile.ZipFile(path) as archive:
        facts = json.loads(archive.read("atlas.json"))
        strips = [Image.open(io.BytesIO(archive.read(f"{index}.webp"))) for index in range(len(facts["ids"]))]
        sprites = tuple(_cut(np.asarray(strip.convert("RGBA"))) for strip in strips)
    names = ("aspect", "height", "loop_seconds")
    numbers = {name: np.array(facts[name], np.float32) for name in names}
    return Atlas(tuple(facts["ids"]), sprites, loop_frames=np.array(facts["loop_frames"]), **numbers)


def _cut(strip: UInt8[np.ndarray, "size wide 4"]) -> UInt8[np.ndarray, "frames 4 size size"]:
    """Cut a strip of squares into sprites."""
    size = strip.shape[0]
    return np.ascontiguousarray(strip.reshape(size, -1, size, 4).transpose(1, 3, 0, 2))


def build_atlas(out: Path, assets: Path, chosen: Sequence[str], size: int = SIZE, quality: int = 85) -> None:
    """Write the atlas of the `chosen` members, taking pictures from `assets/<package>/package/assets`.

    Raises FileNotFoundError for a picture that is not there; `out` is then left as it was.
    """
    facts: dict[str, list] = {"ids": [], "aspect": [], "height": [], "loop_frames": [], "loop_seconds": []}
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(out.name + ".partial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
            for index, name in enumerate(chosen):
                member = members()[name]
                picture = assets / member.package / "package" / "assets" / f"{member.codepoint}.webp"
                loop, seconds = read_loop(picture, member.loop)
                sprites, aspect = cropped(loop, member, size)
                strip = Image.new("RGBA", (size * len(sprites), size))
                for place, sprite in enumerate(sprites):
                    strip.paste(sprite, (place * size, 0))
                packed = io.BytesIO()
                strip.save(packed, "WEBP", quality=quality, method=4)
                archive.writestr(f"{index}.webp", packed.getvalue())
                row = (name, aspect, member.height, len(sprites), seconds)
                for column, value in zip(facts, row, strict=True):
                    facts[column].append(value)
            archive.writestr("atlas.json", json.dumps(facts))
        os.replace(partial, out)
    finally:
        partial.unlink(missing_ok=True)


def read_loop(path: Path, played: tuple[int, int] | None = None) -> tuple[list[Image.Image], float]:
    """Return 16 evenly spaced frames of an animation, and how long they last in seconds; of a still one frame and 1.0.

    `played` cuts the animation to the frames from its first up to, without, its second number.
    """
    with Image.open(path) as picture:
        shown = [
            (frame.convert("RGBA"), frame.info.get("duration", 0))
            for frame in ImageSequence.Iterator(picture)
        ]
    if len(shown) == 1:
        return [shown[0][0]], 1.0
    shown = shown[slice(*played)] if played else shown
    chosen = np.linspace(0, len(shown), FRAMES, endpoint=False).astype(int)
    return [shown[i][0] for i in chosen], round(sum(duration for _, duration in shown) / 1000, 3)


def cropped(loop: list[Image.Image], member: Member, size: int) -> tuple[list[Image.Image], float]:
    """Crop a loop to what it ever shows, turn it to look right, stretch it to squares; also return its true aspect."""
    seen = np.max([np.asarray(frame)[..., 3] for frame in loop], axis=0) > NEAREST_ALPHA
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    frames = [frame.crop(box) for frame in loop]
    if member.facing == "left":
        frames = [frame.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for frame in frames]
    aspect = round((box[2] - box[0]) / (box[3] - box[1]), 4)
    return [frame.resize((size, size), Image.Resampling.LANCZOS) for frame in frames], aspect


def fetch(packages: Sequence[str], folder: Path) -> None:
    """Bring npm packages into `folder/<name>/package`, where they are not yet. Exits with a line if npm cannot."""
    missing = [name for name in packages if not (folder / name / "package").exists()]
    npm = shutil.which("npm")
    if missing and npm is None:
        raise SystemExit(
            "atlas: npm is not installed; install Node.js, or name unpacked packages with --assets"
        )
    for name in missing:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as unfinished:
            command = [str(npm), "pack", "--silent", PACKAGES[name]]
            got = subprocess.run(command, cwd=unfinished, check=False, stdout=subprocess.DEVNULL)
            if got.returncode:
                raise SystemExit(f"atlas: npm could not fetch {PACKAGES[name]}; is there a network?")
            (packed,) = Path(unfinished).glob("*.tgz")
            with tarfile.open(packed) as archive:
                archive.extractall(unfinished, filter="data")
            (folder / name).mkdir(exist_ok=True)
            os.replace(Path(unfinished) / "package", folder / name / "package")


def draw_sheet(atlas: Atlas, path: Path, columns: int = 6, side: int = 56) -> None:
    """Draw four moments of every member's loop with its name, to be looked at before casting it."""
    rows = -(-len(atlas.ids) // columns)
    sheet = Image.new("RGB", (columns * (4 * side + 8), rows * (side + 14)), (140, 165, 175))
    draw = ImageDraw.Draw(sheet)
    for index, name in enumerate(atlas.ids):
        left, top = index % columns * (4 * side + 8), index // columns * (side + 14)
        for moment in range(4):
            loop = atlas.sprites[index]
            sprite = Image.fromarray(loop[moment * len(loop) // 4].transpose(1, 2, 0))
            wide, high = (
                (side, side / atlas.aspect[index])
                if atlas.aspect[index] > 1
                else (side * atlas.aspect[index], side)
            )
            sprite = sprite.resize((int(wide), int(high)))
            sheet.paste(sprite, (left + moment * side, top + side - sprite.height), sprite)
        draw.text((left, top + side + 1), name, "black")
    sheet.save(path)


def main(
    out: Annotated[Path | None, typer.Option(help="File to write; by default the cache's atlas.")] = None,
    small: Annotated[bool, typer.Option(help="Only the dozen of the committed atlas.")] = False,
    assets: Annotated[
        Path | None, typer.Option(help="Folder of unpacked packages; by default fetched with npm.")
    ] = None,
    sheet: Annotated[Path | None, typer.Option(help="Also draw all loops here.")] = None,
) -> None:
    """Build the sprite atlas."""
    chosen = SMALL if small else tuple(members())
    folder = assets or cache_folder() / "packages"
    if assets is None:
        fetch(sorted({members()[name].package for name in chosen}), folder)
    path = out or cache_folder() / "atlas.zip"
    try:
        build_atlas(path, folder, chosen)
    except OSError as error:
        raise SystemExit(f"atlas: {error}") from None
    if sheet is not None:
        draw_sheet(load_atlas(path), sheet)
    print(path)


if __name__ == "__main__":
    typer.run(main)
