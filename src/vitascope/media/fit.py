"""Pictures of any size to the size a model makes, and edits back into the pictures they came from."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from vitascope.errors import RequestError

Fit = Literal["crop", "pad", "stretch"]
BLACK = (0, 0, 0)


@dataclass(frozen=True)
class Box:
    """A rectangle of whole pixels; `right` and `bottom` lie outside it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Pixels from side to side."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    @property
    def slices(self) -> tuple[slice, slice]:
        """What the box cuts out of an array (height width …)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def edges(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom, as Pillow takes them."""
        return self.left, self.top, self.right, self.bottom


@dataclass(frozen=True)
class Placement:
    """How a picture of size `source` lies in one of size `size`: its part `box` is resized to fill `inner` there.

    Sizes are (width, height).
    """

    source: tuple[int, int]
    size: tuple[int, int]
    how: Fit
    box: Box
    inner: Box

    def from_source(self, x: float | int, y: float | int) -> tuple[float, float]:
        """Return where a point of the source lies in the fitted picture, both in pixels from the top left corner."""
        return (
            self.inner.left + (x - self.box.left) * self.inner.width / self.box.width,
            self.inner.top + (y - self.box.top) * self.inner.height / self.box.height,
        )

    def about(self) -> str:
        """Return what is done to the source's shape, in words; nothing when its shape is kept."""
        if self.how == "stretch":
            wider = self.inner.width * self.box.height / (self.inner.height * self.box.width)
            if abs(wider - 1) < 0.01:
                return ""
            return f"made {wider:.2f} times wider" if wider > 1 else f"made {1 / wider:.2f} times taller"
        if cut := _margins(self.box, self.source, "from"):
            return f"cropped {cut}"
        return f"padded {room}" if (room := _margins(self.inner, self.size, "at")) else ""


def _margins(box: Box, size: tuple[int, int], place: str) -> str:
    left, top, right, bottom = box.left, box.top, size[0] - box.right, size[1] - box.bottom
    parts = []
    for first, second, names, sides in (
        (left, right, ("left", "right"), "each side"),
        (top, bottom, ("top", "bottom"), "the top and bottom"),
    ):
        if first == second:
            parts += [f"{first} px {place} {sides}"] if first else []
        else:
            parts += [
                f"{n} px {place} the {name}" for n, name in zip((first, second), names, strict=True) if n
            ]
    return " and ".join(parts)


def place(source: tuple[int, int], size: tuple[int, int], how: str = "crop") -> Placement:
    """Return how a picture of size `source` is fitted to `size`, both (width, height).

    "crop" cuts off what does not fit, equally on both sides; "pad" adds bars; "stretch" changes the shape of things.
    Raises `RequestError` for any other way.
    """
    if how not in get_args(Fit):
        raise RequestError(
            "fit", f"{how[:40]!r} is not a way to fit", f"it may be: {', '.join(get_args(Fit))}"
        )
    everything, full = Box(0, 0, *source), Box(0, 0, *size)
    box = _middle(source, size) if how == "crop" else everything
    inner = _middle(size, source) if how == "pad" else full
    return Placement(source, size, how, box, inner)  # pyright: ignore[reportArgumentType]


def _middle(outer: tuple[int, int], shape: tuple[int, int]) -> Box:
    """Return the largest box in the middle of `outer` that has the shape of `shape`, to the nearest whole pixel."""
    width = min(outer[0], max(1, round(outer[1] * shape[0] / shape[1])))
    height = min(outer[1], max(1, round(outer[0] * shape[1] / shape[0])))
    left, top = (outer[0] - width) // 2, (outer[1] - height) // 2
    return Box(left, top, left + width, top + height)


def fit(
    frames: UInt8[np.ndarray, "frames height width 3"], size: tuple[int, int], how: str = "crop"
) -> tuple[UInt8[np.ndarray, "frames fitted_height fitted_width 3"], Placement]:
    """Return frames fitted to `size`, and how."""
    placement = place((frames.shape[2], frames.shape[1]), size, how)
    return np.stack([fit_picture(frame, placement) for frame in frames]), placement


def fit_picture(
    picture: UInt8[np.ndarray, "height width 3"], placement: Placement, colour: tuple[int, int, int] = BLACK
) -> UInt8[np.ndarray, "fitted_height fitted_width 3"]:
    """Return a picture as `placement` says; bars are of `colour`. A picture that fits is returned untouched."""
    _check_size(picture, placement.source)
    inner, size = placement.inner, placement.size
    image = Image.fromarray(picture)
    resized = np.asarray(_resized(image, placement.box, (inner.width, inner.height)))
    if (inner.width, inner.height) == size:
        return resized
    full = np.empty((size[1], size[0], 3), np.uint8)
    full[:] = colour
    full[inner.slices] = resized
    return full


def fit_mask(
    mask: Float32[np.ndarray, "height width"], placement: Placement, outside: float = 0.0
) -> Float32[np.ndarray, "fitted_height fitted_width"]:
    """Return a mask of the source (0..1) as it lies over the fitted picture; bars have the value `outside`."""
    _check_size(mask, placement.source)
    full = np.full((placement.size[1], placement.size[0]), outside, np.float32)
    inner = placement.inner
    full[inner.slices] = _resized_mask(mask[placement.box.slices], (inner.width, inner.height))
    return full


def put_back(
    edited: UInt8[np.ndarray, "fitted_height fitted_width 3"],
    source: UInt8[np.ndarray, "height width 3"],
    placement: Placement,
    mask: Float32[np.ndarray, "height width"],
) -> UInt8[np.ndarray, "height width 3"]:
    """Return the source with an edit of its fitted picture in it where `mask`, of the source's size, is above 0.

    Between 0 and 1 the two are mixed. Where the mask is 0, and where the source was cut off, its pixels stay exactly.
    """
    _check_size(edited, placement.size)
    _check_size(source, placement.source)
    _check_size(mask, placement.source)
    box = placement.box
    image = _resized(Image.fromarray(edited), placement.inner, (box.width, box.height))
    old, share = source[box.slices].astype(np.float32), mask[box.slices][..., None]
    mixed = old + share * (np.asarray(image, np.float32) - old)
    everything = source.copy()
    everything[box.slices] = mixed.round().clip(0, 255).astype(np.uint8)
    return everything


def _resized(image: Image.Image, box: Box, size: tuple[int, int]) -> Image.Image:
    if box.edges == (0, 0, *image.size) and image.size == size:
        return image
    return image.resize(size, Image.Resampling.LANCZOS, box=box.edges)


def _resized_mask(
    mask: Float32[np.ndarray, "height width"], size: tuple[int, int]
) -> Float32[np.ndarray, "fitted_height fitted_width"]:
    if mask.shape == (size[1], size[0]):
        return mask
    image = Image.fromarray(np.ascontiguousarray(mask)).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image, np.float32)


def _check_size(array: np.ndarray, size: tuple[int, int]) -> None:
    if (array.shape[1], array.shape[0]) != size:
        raise ValueError(f"{array.shape[1]}x{array.shape[0]} is not {size[0]}x{size[1]}")
