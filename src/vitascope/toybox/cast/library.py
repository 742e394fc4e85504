"""Toybox's memory of pages as people see it: listed, drawn, and extended by subjects of their own."""

from collections.abc import Sequence
from pathlib import Path

from vitascope.backends.cast import AddedSubject, CastRow, NewSubject
from vitascope.errors import RequestError
from vitascope.toybox.cast.names import check_name
from vitascope.toybox.cast.own import OpenCast, add_own, check_consent, find_like, open_cast, remove_own
from vitascope.toybox.cast.pictures import read_box, read_pictures
from vitascope.toybox.cast.sheet import check_sheet, draw_sheet
from vitascope.toybox.cast.table import CastEntry

FACINGS = ("left", "right", "front")


class Library:
    """The shipped pages and a person's own (see `backends.cast.CastLibrary`)."""

    def list_subjects(
        self, home: Path, word: str = "", sheet: Path | None = None
    ) -> tuple[Sequence[CastRow], tuple[str, ...]]:
        """Return the subjects with a word in one of their names in any language, own ones first, and notes.

        With `sheet` they are also drawn into that picture. Raises RequestError where nothing has that name.
        """
        if sheet is not None:
            check_sheet(sheet)
        memory = open_cast(home)
        wanted = " ".join(word.split()).casefold()
        entries = [
            entry
            for entry in memory.cast
            if not entry.tone
            and any(wanted in name.casefold() for names in entry.names.values() for name in names)
        ]
        if not entries:
            nearest = ", ".join(match.page for match in memory.index.rank(wanted, None))
            hint = f"nearest: {nearest}" if nearest else "`vitascope cast ls` lists all"
            raise RequestError("WORD", f'nothing is called "{word[:40]}"', hint)
        if sheet is not None:
            draw_sheet(memory.cast, entries, sheet)
        return [_row(entry, memory) for entry in entries], memory.notes

    def add_subject(self, home: Path, subject: NewSubject, sheet: Path | None = None) -> AddedSubject:
        """Keep a subject, in place of one of the same name. Raises RequestError for what cannot be shown."""
        if subject.facing not in FACINGS:
            raise RequestError("facing", f'"{subject.facing[:20]}" is no direction', ", ".join(FACINGS))
        # All that can be wrong in words is checked before pictures are read.
        if sheet is not None:
            check_sheet(sheet)
        check_name(subject.name)
        check_consent(find_like(subject.like), subject.consent)
        box = read_box(subject.box)
        found = read_pictures(subject.files, box)
        own, notes = add_own(
            home,
            subject.name,
            found.pictures,
            sources=[str(file) for file in subject.files],
            like=subject.like,
            facing=subject.facing,
            consent=subject.consent,
            loop_seconds=found.seconds,
            turntable=subject.views,
        )
        if subject.views and own.entry.phases == 1:
            notes = (*notes, "one picture is no turntable: give --views several")
        if found.method == "GrabCut":
            notes = (
                *notes,
                "cut out of a photograph: look at it with --sheet, and say where it is with --box",
            )
        memory = open_cast(home)
        if sheet is not None:
            draw_sheet(memory.cast, [own.entry], sheet)
        return AddedSubject(_row(own.entry, memory), found.method, (*found.notes, *notes))

    def remove_subject(self, home: Path, name: str) -> None:
        """Forget a subject and delete its pictures. Raises RequestError if there is none of that name."""
        remove_own(home, name)


def _row(entry: CastEntry, memory: OpenCast) -> CastRow:
    own = memory.own.get(entry.id)
    return CastRow(
        entry.id,
        entry.kind,
        entry.phases,
        tuple(entry.names["en"][1:]),
        entry.turntable,
        own is not None,
        own is not None and own.consent,
    )
