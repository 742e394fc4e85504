"""Files as people and strangers have them: each function writes one and returns its path."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

FPS = 24
QUALITY = {"libx264": {"crf": "10"}, "libvpx-vp9": {"crf": "10"}, "mpeg2video": {"b": "4000000"}}


def card(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """Return a test card whose left half is grey that tells its number, red at the top right, blue below."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, : width // 2] = 8 + 9 * (number % 27)
    picture[: height // 2, width // 2 :, 0] = 220
    picture[height // 2 :, width // 2 :, 2] = 220
    return picture


def number_of(picture: np.ndarray) -> int:
    """Return the number of the card that a picture shows."""
    height, width = picture.shape[:2]
    grey = picture[height // 4 : 3 * height // 4, width // 8 : 3 * width // 8].astype(float).mean()
    return round((grey - 8) / 9)


def movie(
    path: Path,
    times: list[float] | None = None,
    *,
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    pixels: str = "yuv420p",
    turn: int | None = None,
    mirror: bool = False,
    sound: int = 0,
    aspect: tuple[int, int] | None = None,
    **options: str,
) -> Path:
    """Write cards shown at `times` (default: one second at 24 fps), a tone of `sound` Hz from the start on."""
    times = [i / FPS for i in range(FPS)] if times is None else times
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=FPS, options=QUALITY.get(codec, {}) | options)
        video.width, video.height, video.pix_fmt = *size, pixels
        if aspect is not None:
            video.codec_context.sample_aspect_ratio = Fraction(*aspect)
        clock = FPS if codec == "mpeg2video" else 12000
        video.codec_context.time_base = Fraction(1, clock)
        if turn is not None:
            video.set_display_rotation(turn, hflip=mirror)
        tone = container.add_stream("aac", rate=48000, layout="stereo") if sound else None
        container.start_encoding()
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(card(number, *size), format="rgb24").reformat(format=pixels)
            frame.pts, frame.time_base = round(time * clock), Fraction(1, clock)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if tone is not None:
            container.mux(tone.encode(_tone(sound)))
            container.mux(tone.encode(None))
    return path


def _tone(hertz: int) -> av.AudioFrame:
    wave = 0.5 * np.sin(2 * np.pi * hertz * np.arange(48000) / 48000)
    frame = av.AudioFrame.from_ndarray(
        np.stack([wave, wave]).astype(np.float32), format="fltp", layout="stereo"
    )
    frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
    return frame


def see_through_movie(path: Path) -> Path:
    """Write a video of one green picture whose right half is transparent."""
    picture = np.zeros((48, 64, 4), np.uint8)
    picture[..., 1] = picture[:, :32, 3] = 255
    with av.open(str(path), "w") as container:
        video = container.add_stream("png", rate=8)
        video.width, video.height, video.pix_fmt = 64, 48, "rgba"
        for _ in range(4):
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgba")))
        container.mux(video.encode(None))
    return path


def sound_only(path: Path) -> Path:
    """Write a sound without a picture."""
    with av.open(str(path), "w") as container:
        tone = container.add_stream("aac", rate=48000, layout="stereo")
        container.mux(tone.encode(_tone(440)))
        container.mux(tone.encode(None))
    return path


def animation(path: Path, lasts: list[int], **options: object) -> Path:
    """Write cards as an animated GIF, WebP or PNG, each for so many milliseconds."""
    cards = [Image.fromarray(card(number)) for number in range(len(lasts))]
    cards[0].save(path, save_all=True, append_images=cards[1:], duration=lasts, loop=0, **options)
    return path


def photo(path: Path, mode: str = "RGB", orientation: int = 1, size: tuple[int, int] = (64, 48)) -> Path:
    """Write card 9 as a picture in a Pillow mode, turned so that the EXIF orientation puts it right."""
    image = Image.fromarray(card(9, *size))
    undo = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270,
            2: Image.Transpose.FLIP_LEFT_RIGHT, 5: Image.Transpose.TRANSPOSE}.get(orientation)  # fmt: skip
    if undo is not None:
        image = image.transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    elif mode == "P":
        image = image.quantize(16)
    elif mode == "PA":
        image = image.convert("RGBA")
        image.putalpha(
            Image.fromarray(np.where(np.arange(48)[:, None] < 24, 255, 0).astype(np.uint8).repeat(64, 1))
        )
        image = image.quantize(16)
    else:
        image = image.convert(mode)
    image.save(path, exif=exif, **({"quality": 95} if path.suffix == ".jpg" else {}))
    return path


def cut(path: Path, share: float) -> Path:
    """Cut a file off after a share of its bytes, and return it under another name."""
    data = path.read_bytes()
    short = path.with_name(f"cut_{path.name}")
    short.write_bytes(data[: int(len(data) * share)])
    return short


def text(path: Path, content: str | bytes) -> Path:
    """Write any content under any name."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
