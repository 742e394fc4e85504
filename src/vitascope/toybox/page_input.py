"""Pages as the networks take them: small ones for the latents, full ones warped to the screen for the finish."""

import numpy as np
from jaxtyping import Float, Float32

from vitascope.toybox.cast.lookup import Appearance, read_page
from vitascope.toybox.motion.trajectory import Blocking
from vitascope.toybox.world import page_name

PAGE = 32
"""Points along each side of a page for the latents."""
PHASES = 8
"""Pictures of a page for the latents."""
FULL = 128
"""Points along each side of a page for the finish."""

SmallPages = Float32[np.ndarray, "slots 4 phases size size"]
FullPage = Float32[np.ndarray, "phases size size 4"]


def small_page(look: Appearance) -> Float32[np.ndarray, "4 phases size size"]:
    """Return the page of a subject for the latents: premultiplied RGBA in 0..1. Raises `RequestError`."""
    if not look.page:
        return no_page()
    page = read_page(page_name(look.page), PAGE, look.colour)
    chosen = page[np.arange(PHASES) * len(page) // PHASES]
    return np.ascontiguousarray(chosen.swapaxes(0, 1), np.float32) / 255


def full_page(look: Appearance) -> FullPage:
    """Return the page of a subject for the finish: premultiplied RGBA in 0..1. Raises `RequestError`."""
    page = read_page(page_name(look.page), FULL, look.colour)
    return np.ascontiguousarray(page.transpose(0, 2, 3, 1), np.float32) / 255


def no_page() -> Float32[np.ndarray, "4 phases size size"]:
    """Return the page of nobody."""
    return np.zeros((4, PHASES, PAGE, PAGE), np.float32)


def warp_pages(
    cast: list[tuple[Appearance, Blocking]], frames: slice, height: int, width: int
) -> Float32[np.ndarray, "frames 4 height width"]:
    """Return the pages of the subjects as they lie over some frames, the first of the `cast` in front.

    Each comes with the maps from the screen to its page in every frame of the clip.
    """
    out = np.zeros((frames.stop - frames.start, height, width, 4), np.float32)
    for look, way in reversed(cast):
        if not look.page:
            continue
        page = full_page(look)
        for place, (maps, turns) in enumerate(zip(way.maps[frames], way.loops[frames], strict=True)):
            if np.isfinite(maps).all():
                phase = int(np.floor(float(turns) * len(page) + 1e-6)) % len(page)
                _lay_over(out[place], page[phase], maps.astype(np.float64))
    return np.ascontiguousarray(out.transpose(0, 3, 1, 2))


def _lay_over(
    screen: Float32[np.ndarray, "height width 4"],
    picture: Float32[np.ndarray, "size size 4"],
    maps: Float[np.ndarray, "2 3"],
) -> None:
    """Lay a picture of a page over the screen where a map shows it; bilinear, nothing beyond its edges."""
    height, width = screen.shape[:2]
    determinant = float(np.linalg.det(maps[:, :2]))
    if abs(determinant) < 1e-6:
        return
    corners = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]) * (1 + 1 / len(picture))
    places = np.linalg.solve(maps[:, :2], (corners - maps[:, 2]).T).T + 0.5
    size = np.array([width, height])
    low = np.clip(np.floor(places.min(0) * size), 0, size).astype(int)
    high = np.clip(np.ceil(places.max(0) * size), 0, size).astype(int)
    if (high <= low).any():
        return
    x = (np.arange(low[0], high[0]) + 0.5) / width - 0.5
    y = ((np.arange(low[1], high[1]) + 0.5) / height - 0.5)[:, None]
    layer = _sample(picture, *(row[0] * x + row[1] * y + row[2] for row in maps))
    part = screen[low[1] : high[1], low[0] : high[0]]
    part[:] = layer + (1 - layer[..., 3:]) * part


def _sample(
    picture: Float32[np.ndarray, "size size 4"],
    u: Float[np.ndarray, "rows columns"],
    v: Float[np.ndarray, "rows columns"],
) -> Float32[np.ndarray, "rows columns 4"]:
    """Appearance a picture up at places in -1..1 across it, as torch's `grid_sample` does with zeros around."""
    size = len(picture)
    framed = np.pad(picture, ((1, 1), (1, 1), (0, 0)))
    across, down = (np.clip(((place + 1) * size - 1) / 2 + 1, 0, size + 1) for place in (u, v))
    left, top = (np.minimum(place.astype(int), size) for place in (across, down))
    right, low = (
        (part - whole).astype(np.float32)[..., None] for part, whole in ((across, left), (down, top))
    )
    upper = framed[top, left] * (1 - right) + framed[top, left + 1] * right
    lower = framed[top + 1, left] * (1 - right) + framed[top + 1, left + 1] * right
    return upper * (1 - low) + lower * low
