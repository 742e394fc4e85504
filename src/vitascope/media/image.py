"""Pictures of any kind to 8-bit RGB, upright: JPEG, PNG, WebP, GIF, AVIF, TIFF, BMP, PPM."""

import contextlib
import importlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from PIL.ExifTags import Base as ExifTag
from PIL.ImageFile import ImageFile

from vitascope.errors import RequestError
from vitascope.media.fit import BLACK
from vitascope.media.info import MediaFacts
from vitascope.media.limits import LIMITS, Limits, Source, opened

Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)

ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")
"""Formats whose further pictures are frames in time; those of other formats are pages or other views."""
_PLUGINS = {"WEBP": "WebP", "AVIF": "Avif", "TIFF": "Tiff"}
"""Decoders that Pillow would only find by loading all it has."""
TURNS = {
    2: "mirrored", 3: "rotated 180°", 4: "mirrored and rotated 180°", 5: "mirrored and rotated 270°",
    6: "rotated 90°", 7: "mirrored and rotated 90°", 8: "rotated 270°",
}  # fmt: skip
"""EXIF orientation -> what turns the picture upright (clockwise)."""


@dataclass(frozen=True)
class Picture:
    """A picture, how opaque each pixel of the file was (None: all are), and a line about each thing done to it."""

    pixels: UInt8[np.ndarray, "height width 3"]
    alpha: UInt8[np.ndarray, "height width"] | None
    facts: MediaFacts
    notes: tuple[str, ...] = ()


def read_picture(
    path: str | Path, argument: str = "image", *, background: Colour = WHITE, limits: Limits = LIMITS
) -> Picture:
    """Return the picture in a file, on `background` where it is transparent; of an animation the first frame.

    Raises `RequestError` for `argument` when there is no picture in it that `limits` allow.
    """
    with opened(argument, path, limits) as source:
        with opened_picture(source, limits) as image, source.decoding():
            facts = picture_facts(source, image)
            pixels, alpha = to_rgb(image, background)
        notes = []
        if facts.num_frames > 1:
            notes.append(f"{facts.name}: the first of its {facts.num_frames} frames is taken")
        if alpha is not None:
            notes.append(f"{facts.name}: what is transparent becomes {_hex(background)}")
        return Picture(pixels, alpha, facts, tuple(notes))


def read_mask(
    path: str | Path, argument: str = "mask", *, limits: Limits = LIMITS
) -> Float32[np.ndarray, "height width"]:
    """Return a mask of 0..1 from a picture: 1 where it is white, 0 where it is black or transparent."""
    pixels = read_picture(path, argument, background=BLACK, limits=limits).pixels
    return np.asarray(Image.fromarray(pixels).convert("L"), np.float32) / 255


@contextmanager
def opened_picture(source: Source, limits: Limits) -> Iterator[ImageFile]:
    """Yield a picture with nothing but its header read; raises `RequestError` for one that is too large, or none."""
    if source.picture is None:
        raise source.refuse(
            "is not a picture", "a picture is a JPEG, PNG, WebP, GIF, AVIF, TIFF, BMP or PPM file"
        )
    if source.picture in _PLUGINS:
        importlib.import_module(f"PIL.{_PLUGINS[source.picture]}ImagePlugin")
    with source.decoding(), quiet():
        try:
            image = Image.open(source.file, formats=[source.picture])
        except Image.DecompressionBombError:
            raise too_large(source, limits) from None
        except UnidentifiedImageError:
            raise source.refuse("could not be read (it is damaged)") from None
    with image:
        if image.width * image.height > limits.pixels:
            raise too_large(source, limits)
        yield image


def too_large(source: Source, limits: Limits) -> RequestError:
    """Return the error for a picture with more pixels than may come in."""
    return source.refuse("has too many pixels", f"at most {limits.pixels / 1e6:g} megapixels are read")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Pillow from warning of what is handled here: large pictures, odd metadata."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def picture_facts(source: Source, image: ImageFile) -> MediaFacts:
    """Return the facts of a picture that lies open."""
    orientation = _orientation(image)
    width, height = image.size
    return MediaFacts(
        name=Path(source.name).name,
        kind="picture",
        format=(source.picture or "").lower(),
        codec=(source.picture or "").lower(),
        pixel_format=image.mode,
        size=(height, width) if orientation >= 5 else (width, height),
        num_frames=getattr(image, "n_frames", 1) if source.picture in ANIMATED else 1,
        turned=TURNS.get(orientation, ""),
        alpha=image.has_transparency_data,
    )


def to_rgb(
    image: Image.Image, background: Colour
) -> tuple[UInt8[np.ndarray, "height width 3"], UInt8[np.ndarray, "height width"] | None]:
    """Return a picture upright, in sRGB and on `background`, and its alpha if any of it is transparent."""
    with quiet():
        image.load()
        upright = _srgb(_eight_bits(_upright(image)), image.info.get("icc_profile"))
        if not upright.has_transparency_data:
            return np.array(upright.convert("RGB")), None
        clear = upright.convert("RGBA")
        alpha = np.array(clear.getchannel("A"))
        canvas = Image.new("RGBA", clear.size, (*background, 255))
        canvas.alpha_composite(clear)
    return np.array(canvas.convert("RGB")), alpha if alpha.min() < 255 else None


def _orientation(image: Image.Image) -> int:
    # Broken EXIF is no reason to refuse a picture.
    with contextlib.suppress(Exception), quiet():
        return int(image.getexif().get(ExifTag.Orientation, 1))
    return 1


def _upright(image: Image.Image) -> Image.Image:
    return ImageOps.exif_transpose(image) if _orientation(image) in TURNS else image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return a picture of 16-bit, 32-bit or floating-point greys in 8 bits; any other as it is."""
    if not (image.mode.startswith("I") or image.mode == "F"):
        return image
    grey = np.nan_to_num(np.asarray(image, np.float32), posinf=0.0, neginf=0.0)
    top = 65535.0
    if image.mode == "F":
        top = next((top for top in (1.0, 255.0, 65535.0) if grey.max() <= top), float(grey.max()))
    return Image.fromarray((grey.clip(0, top) * (255 / top)).round().astype(np.uint8))


PROFILE_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""The colours that an ICC profile is of -> Pillow's mode of a picture in them."""


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return a picture in the colours of sRGB, by the profile in its file if it has one that can be used.

    What is transparent stays so: of palettes, greys and colours alike.
    """
    if not profile:
        return image
    with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):
        source_profile = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = PROFILE_MODES.get(source_profile.profile.xcolor_space)  # pyright: ignore[reportAttributeAccessIssue]
        is_grey = image.mode in ("1", "L", "LA", "La")
        if mode is None or (mode == "CMYK") != (image.mode == "CMYK") or (mode == "L" and not is_grey):
            return image
        if "sRGB" in ImageCms.getProfileDescription(source_profile):
            return image
        alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
        plain = image if image.mode == mode else image.convert("RGB").convert(mode)
        converted = ImageCms.profileToProfile(
            plain, source_profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
        if converted is not None:
            if alpha is not None:
                converted.putalpha(alpha)
            return converted
    return image


def _hex(colour: Colour) -> str:
    return {WHITE: "white", BLACK: "black"}.get(colour, "#{:02x}{:02x}{:02x}".format(*colour))
