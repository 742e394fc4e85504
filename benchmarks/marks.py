"""What the watermark survives, what it costs, and what is found in pictures that have none.

    python benchmarks/marks.py attacks FOLDER … [--clips 100] [--frames 25] > attacks.jsonl
    python benchmarks/marks.py negatives FOLDER … [--number 10000] > negatives.jsonl
    python benchmarks/marks.py table attacks.jsonl

A FOLDER holds photographs, which are filmed with a moving camera, and clips, which are taken as they are.
"""

import argparse
import io
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from PIL import Image

from vitascope.deliver.mux import ENCODER, SAME_BYTES
from vitascope.deliver.provenance.codes import Payload, decode, encode, payload_of
from vitascope.deliver.provenance.detect import (
    BOUND,
    Waves,
    _places,
    _refined,
    _together,
    candidates,
    chance,
    detect,
    soft_signs,
)
from vitascope.deliver.provenance.watermark import PUBLIC_KEY, REPEATS, Embedder, carriers, normalised

Frames = np.ndarray
"""Luma as codecs have it, uint8[frames height width]."""
SIZES = ((448, 256), (640, 360), (448, 256), (256, 448), (256, 256))
OTHER_KEY = b"the key of another owner"
DELIVERED = {**ENCODER, **SAME_BYTES}
AGAIN = {"preset": "medium", **SAME_BYTES}
LANCZOS = Image.Resampling.LANCZOS


def coded(
    frames: Frames, options: dict[str, str], fps: int = 16, codec: str = "libx264"
) -> tuple[Frames, list[bool]]:
    """Return frames as a codec leaves them, and which are key frames."""
    frames = frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2]
    _, height, width = frames.shape
    out, grey = io.BytesIO(), np.full((height // 2, width), 128, np.uint8)
    with av.open(out, "w", format="mp4") as container:
        video = container.add_stream(codec, rate=fps, options=options)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.codec_context.thread_count = 1
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.concatenate([frame, grey]), format="yuv420p")
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
    out.seek(0)
    with av.open(out) as container:
        decoded = [
            (frame.to_ndarray(format="yuv420p")[:height], bool(frame.key_frame))
            for frame in container.decode(video=0)
        ]
    return np.stack([luma for luma, _ in decoded]), [key for _, key in decoded]


def scaled(frames: Frames, width: int, height: int) -> Frames:
    """Return frames of another size."""
    return np.stack([np.asarray(Image.fromarray(frame).resize((width, height), LANCZOS)) for frame in frames])


def attacks(frames: Frames, keys: list[bool]) -> dict[str, Callable[[], tuple[Frames, list[bool]]]]:
    """Return what is done to a delivered clip, by name."""
    count, height, width = frames.shape
    rng = np.random.default_rng(1)
    down, across = round(height * 0.05), round(width * 0.05)
    crop = frames[:, down // 3 : height - (down - down // 3), across // 3 : width - (across - across // 3)]
    tall = np.full((count, height + height // 3 // 2 * 2, width), 16, np.uint8)
    tall[:, height // 6 : height // 6 + height] = frames
    grain = np.clip(frames * 1.1 + 8 + rng.normal(0, 5, frames.shape), 16, 235).astype(np.uint8)
    middle = count // 2

    def crf(number: int) -> dict[str, str]:
        return {**AGAIN, "crf": str(number)}

    return {
        "as delivered": lambda: (frames, keys),
        "H.264 CRF 28": lambda: coded(frames, crf(28)),
        "AV1 CRF 40": lambda: coded(frames, {"crf": "40", "preset": "8"}, codec="libsvtav1"),
        "second H.264, CRF 23": lambda: coded(frames, crf(23)),
        "half size": lambda: coded(scaled(frames, width // 2, height // 2), crf(23)),
        "double size": lambda: coded(scaled(frames, 2 * width, 2 * height), crf(23)),
        "5 % crop": lambda: coded(crop, crf(23)),
        "5 % crop, back to size": lambda: coded(scaled(crop, width, height), crf(23)),
        "letterbox": lambda: coded(tall, crf(23)),
        "mirror": lambda: coded(frames[:, :, ::-1], crf(23)),
        "24 to 30 fps": lambda: coded(frames[np.arange(count * 5 // 4) * 4 // 5], crf(23), 30),
        "30 to 24 fps": lambda: coded(frames[np.arange(count * 4 // 5) * 5 // 4], crf(23), 24),
        "brightness and grain": lambda: coded(grain, crf(23)),
        "screenshot": lambda: (frames[middle : middle + 1], [True]),
        "screenshot, 1.3 times": lambda: (
            scaled(frames[middle : middle + 1], round(width * 1.3), round(height * 1.3)),
            [True],
        ),
    }


def looked_at(frames: Frames, keys: list[bool]) -> list[tuple[np.ndarray, int]]:
    """Return the frames that `vitascope verify` looks at."""
    chosen, since = [], 0
    for frame, key in zip(frames, keys, strict=True):
        since = 0 if key else since + 1
        if since < 3 or since % 4 == 0:
            chosen.append((frame, since))
    return chosen


def filmed(path: Path, width: int, height: int, count: int, seed: int) -> Frames:
    """Return a photograph filmed by a camera that pans and zooms."""
    with Image.open(path) as opened:
        picture = opened.convert("L")
    scale = min(picture.width / width, picture.height / height)
    start, end, zoom = (lambda rng: (rng.random(2), rng.random(2), rng.uniform(-0.15, 0.15)))(
        np.random.default_rng(seed)
    )
    frames = []
    for share in np.linspace(0, 1, count):
        size = np.array([width, height]) * scale * (0.85 - zoom * share)
        corner = (np.array(picture.size) - size) * (start + (end - start) * share * 0.3)
        frames.append(picture.resize((width, height), LANCZOS, box=(*corner, *(corner + size))))
    return (16 + np.stack(frames) * (219 / 255)).astype(np.uint8)


def decoded(path: Path, count: int) -> Frames:
    """Return the first frames of a clip."""
    frames: list[np.ndarray] = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            frames.append(frame.to_ndarray(format="yuv420p")[: frame.height])
            if len(frames) == count:
                break
    return np.stack(frames)


def sources(folders: Sequence[Path], clips: int, count: int) -> Iterator[tuple[str, Frames]]:
    """Yield clips by name: those of the folders, and photographs filmed at several sizes until there are enough."""
    files = sorted(file for folder in folders for file in folder.iterdir())
    movies = [file for file in files if file.suffix == ".mp4"]
    photographs = [file for file in files if file.suffix in (".png", ".jpg")]
    for file in movies[:clips]:
        yield f"{file.stem} (clip)", decoded(file, count)
    for number in range(max(0, clips - len(movies))):
        file, (width, height) = photographs[number % len(photographs)], SIZES[number % len(SIZES)]
        yield (
            f"{file.stem} (photograph {number // len(photographs)})",
            filmed(file, width, height, count, number),
        )


def bits_right(frames: list[tuple[np.ndarray, int]], payload: Payload) -> tuple[float, float]:
    """Return the share of right bits, 0.5 where nothing is found, and the bound of chance."""
    found = detect(frames, PUBLIC_KEY)
    if found is None:
        return 0.5, 1.0
    return float(np.mean(found.payload.bits() == payload.bits())), found.bound


def attack(folders: Sequence[Path], clips: int, count: int) -> None:
    """Print one line of JSON for each clip and attack."""
    for number, (name, frames) in enumerate(sources(folders, clips, count)):
        payload = payload_of("toybox", f"{name} {number}".encode(), PUBLIC_KEY)
        embedder = Embedder(payload)
        began = time.process_time()
        marked = np.stack([embedder(frame) for frame in frames])
        spent = (time.process_time() - began) / len(frames)
        psnr = 10 * np.log10(255**2 / np.mean(np.square((marked.astype(float) - frames) * (255 / 219))))
        delivered, keys = coded(marked, DELIVERED)
        for what, make in attacks(delivered, keys).items():
            harmed = looked_at(*make())
            right, bound = bits_right(harmed, payload)
            size = f"{frames.shape[2]}x{frames.shape[1]}"
            line = {
                "clip": name,
                "size": size,
                "attack": what,
                "right": right,
                "bound": bound,
                "psnr": round(psnr, 2),
            }
            line |= {"embed_ms": round(1000 * spent, 2)}
            if what == "as delivered":
                line["other_key"] = detect(harmed, OTHER_KEY) is None
            print(json.dumps(line), flush=True)


def unmarked(folders: Sequence[Path], number: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield luma of pictures that nobody marked: parts of photographs, noise, text and drawn shapes."""
    from PIL import ImageDraw, ImageFont

    files = [
        file for folder in folders for file in sorted(folder.iterdir()) if file.suffix in (".png", ".jpg")
    ]
    pictures = [np.asarray(Image.open(file).convert("L")) for file in files]
    rng = np.random.default_rng(0)
    for index in range(number):
        width, height = int(rng.integers(128, 320)), int(rng.integers(96, 240))
        kind = ("photograph", "photograph", "noise", "text", "shapes")[index % 5]
        if kind == "photograph":
            whole = pictures[int(rng.integers(len(pictures)))]
            if whole.shape[0] < height or whole.shape[1] < width:
                whole = np.pad(whole, ((0, height), (0, width)), mode="wrap")
            y, x = rng.integers(whole.shape[0] - height + 1), rng.integers(whole.shape[1] - width + 1)
            yield kind, np.ascontiguousarray(whole[y : y + height, x : x + width])
        elif kind == "noise":
            small = rng.integers(0, 256, (-(-height // 3), -(-width // 3)), dtype=np.uint8)
            yield kind, np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))
        else:
            image = Image.new("L", (width, height), int(rng.integers(160, 256)))
            draw = ImageDraw.Draw(image)
            for row in range(0, height, 16):
                if kind == "text":
                    words = "".join(map(chr, rng.integers(97, 123, 40)))
                    draw.text((2, row), words, 20, ImageFont.load_default(12))
                else:
                    box = sorted(rng.integers(0, width, 2)), sorted(rng.integers(0, height, 2))
                    corners = (box[0][0], box[1][0], box[0][1] + 1, box[1][1] + 1)
                    draw.ellipse(tuple(map(int, corners)), fill=int(rng.integers(256)))
            yield kind, np.asarray(image)


def negative(folders: Sequence[Path], number: int) -> None:
    """Print one line of JSON for each unmarked picture: whether something was found, and the best agreement."""
    waves = carriers(PUBLIC_KEY)
    for kind, luma in unmarked(folders, number):
        picture = Waves(normalised(luma)[0])
        periods = candidates(luma.shape[1], luma.shape[0])
        places = sorted(
            (place for one in periods for place in _places(picture, waves, one)), key=lambda one: -one.pilot
        )[:12]
        soft = np.stack([soft_signs(picture, waves, _refined(picture, waves, place)) for place in places])
        words = decode(_together(soft))
        best = max(
            float(np.tile(encode(bits), REPEATS) @ row / np.linalg.norm(row))
            for row, bits in zip(soft, words, strict=True)
        )
        line = {"kind": kind, "found": chance(best, len(places)) < BOUND, "score": round(best, 3)}
        print(json.dumps(line | {"bound": chance(best, len(places))}), flush=True)


def table(file: Path) -> None:
    """Print a table of attacks by size: the share of clips whose bits are all right, and the mean of right bits."""
    rows = [json.loads(line) for line in file.read_text().splitlines()]

    def large(row: dict[str, str]) -> bool:
        width, height = map(int, row["size"].split("x"))
        return width * height >= 448 * 256

    cells: dict[tuple[str, bool], list[float]] = defaultdict(list)
    for row in rows:
        cells[row["attack"], large(row)].append(row["right"])
    print("| attack | 448x256 and larger: read, bits right | 256x256: read, bits right |\n|---|---|---|")
    for what in dict.fromkeys(row["attack"] for row in rows):
        texts = []
        for size in (True, False):
            right = cells.get((what, size), [])
            read = sum(one == 1.0 for one in right)
            texts.append(f"{read} of {len(right)}, {np.mean(right):.3f}" if right else "–")
        print(f"| {what} | {' | '.join(texts)} |")
    psnr, spent = [row["psnr"] for row in rows], [row["embed_ms"] for row in rows]
    others = [row["other_key"] for row in rows if "other_key" in row]
    print(
        f"\nPSNR {min(psnr):.1f} to {max(psnr):.1f} dB; embedding {np.median(spent):.1f} ms a frame (median, CPU time);"
    )
    print(f"another key found nothing in {sum(others)} of {len(others)} clips.")


def main() -> None:
    """Run what the arguments name."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["attacks", "negatives", "table"])
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--frames", type=int, default=25)
    parser.add_argument("--number", type=int, default=10_000)
    told = parser.parse_args()
    av.logging.set_level(av.logging.PANIC)
    match told.what:
        case "attacks":
            attack(told.paths, told.clips, told.frames)
        case "negatives":
            negative(told.paths, told.number)
        case _:
            table(told.paths[0])


if __name__ == "__main__":
    sys.exit(main())
