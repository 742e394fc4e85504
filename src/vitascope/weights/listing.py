"""What there is to know of each model before it is pulled: what it does, what it needs, whether it fits, its terms."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from vitascope.weights.catalogue import Entry, catalogue
from vitascope.weights.library import Library
from vitascope.weights.machine import GIB, Machine
from vitascope.weights.memory_plan import Parts, Placement, Request, fits, parts_of, published_parts

CARDS = {
    "12 GB": Machine(int(11.6 * GIB), 28 * GIB),
    "24 GB": Machine(int(23.5 * GIB), 58 * GIB),
    "80 GB": Machine(int(79.0 * GIB), 120 * GIB),
}
"""What is free on machines with a GPU of that much memory, beside 32, 64 and 128 GB."""


@dataclass(frozen=True)
class Row:
    """One model as it is listed."""

    entry: Entry
    library: Library
    machine: Machine

    @property
    def here(self) -> bool:
        """Whether it is on this machine."""
        return self.library.has(self.entry)

    @cached_property
    def parts(self) -> Parts:
        """Its sizes: of its files where they are here, as published where not."""
        if self.here:
            return parts_of(self.library.path(self.entry), self.entry)
        return published_parts(self.entry)

    @cached_property
    def _placed(self) -> Placement | None:
        width, height = self.entry.size.default
        return fits(self.parts, Request(self.entry.frames.default, width, height, self.entry), self.machine)

    @property
    def fits(self) -> str:
        """How its usual clip would be placed on this machine, "no" where it does not fit."""
        return str(self._placed) if self._placed else "no"

    @property
    def placement(self) -> str:
        """The same in a line."""
        return self._placed.describe() if self._placed else f"no: {self.machine}"

    @property
    def terms(self) -> str:
        """Its licence, with a star where it has conditions that bite."""
        return self.entry.licence.name + " *" * bool(self.entry.licence.conditions)

    def to_json(self) -> dict[str, Any]:
        """Return all of it in plain values."""
        entry = self.entry
        return {
            "id": entry.id,
            "title": entry.title,
            "here": self.here,
            "path": str(self.library.path(entry)) if self.here else None,
            "good_for": entry.good_for,
            "tasks": list(entry.tasks),
            "sound": entry.sound,
            "frames": str(entry.frames),
            "default_frames": entry.frames.default,
            "fps": entry.fps,
            "default_size": list(entry.size.default),
            "steps": entry.steps,
            "guidance_scale": entry.guidance_scale,
            "gib": round(self.parts.total / GIB, 1),
            "fits": self.fits,
            "licence": entry.licence.name,
            "conditions": list(entry.licence.conditions),
            "accepted": self.library.accepted(entry),
            "gated": entry.gated,
            "repository": entry.repository,
            "needs": list(entry.needs),
            "notes": list(entry.notes),
        }


def rows(library: Library, machine: Machine, entries: list[Entry]) -> list[Row]:
    """Return the rows of entries, those that are here first."""
    return sorted((Row(entry, library, machine) for entry in entries), key=lambda row: not row.here)


def markdown() -> str:
    """Return the catalogue as a table for people: what each model is for, and how it fits cards of three sizes."""
    head = ["model", "good for", "given", "sound", "usual clip", "weights", *CARDS, "licence"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for entry in catalogue().values():
        parts, (width, height) = published_parts(entry), entry.size.default
        request = Request(entry.frames.default, width, height, entry)
        placed = [fits(parts, request, card) for card in CARDS.values()]
        cells = [
            f"`{entry.id}`",
            entry.good_for,
            ", ".join(entry.tasks),
            "yes" if entry.sound in ("out", "both") else "",
            f"{entry.frames.default / entry.fps:.1f} s of {width}×{height}",
            f"{parts.total / GIB:.0f} GiB",
            *(str(value) if value else "–" for value in placed),
            entry.licence.name + " \\*" * bool(entry.licence.conditions) + ", gated" * entry.gated,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
