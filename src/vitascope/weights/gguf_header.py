"""The header of a GGUF file, read within limits: the names and shapes of its tensors.

The library that loads the numbers believes what a header says: 70 bytes that announce an array of 2**60 entries keep it
busy until the memory is full. What passes here is small enough for it.

Source: the GGUF specification, versions 2 and 3 (github.com/ggml-org/ggml, docs/gguf.md).
"""

import struct
from pathlib import Path
from typing import BinaryIO

from vitascope.errors import WeightsError

MAX_TENSORS = 65_536
MAX_KEYS = 65_536
MAX_ENTRIES = 1_000_000
"""Entries of all arrays together; the largest vocabularies have a quarter of that."""
MAX_TEXT_BYTES = 2**20
MAX_NAME_BYTES = 1024
MAX_SIDES = 8
MAX_SIDE = 2**40

_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of each kind of value of one size: integers, floats and booleans."""
_TEXT, _ARRAY = 8, 9


def read_gguf_header(file: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a GGUF file's tensors by name, slowest axis first. Raises `WeightsError`."""
    try:
        with file.open("rb") as opened:
            return _Header(opened, file.stat().st_size).shapes()
    except (ValueError, struct.error) as error:
        raise WeightsError(f"{file} is no GGUF file, or is damaged ({error})") from None
    except OSError as error:
        raise WeightsError(f"{file} cannot be read ({error.strerror})") from None


class _Header:
    def __init__(self, file: BinaryIO, size: int):
        self._file, self._size, self._entries = file, size, 0

    def shapes(self) -> dict[str, tuple[int, ...]]:
        if self._file.read(4) != b"GGUF" or self._number("<I") not in (2, 3):
            raise ValueError("it does not begin as one of version 2 or 3")
        tensors, keys = self._number("<Q"), self._number("<Q")
        if tensors > MAX_TENSORS or keys > MAX_KEYS:
            raise ValueError(f"it announces {max(tensors, keys)} entries")
        for _ in range(keys):
            self._text(MAX_NAME_BYTES)
            self._skip_value(self._number("<I"))
        shapes: dict[str, tuple[int, ...]] = {}
        for _ in range(tensors):
            name, shape = self._tensor()
            if name in shapes:
                raise ValueError("two tensors have the same name")
            shapes[name] = shape
        return shapes

    def _tensor(self) -> tuple[str, tuple[int, ...]]:
        name, sides = self._text(MAX_NAME_BYTES), self._number("<I")
        if not 0 < sides <= MAX_SIDES:
            raise ValueError(f"a tensor has {sides} axes")
        shape = tuple(self._number("<Q") for _ in range(sides))
        if max(shape) > MAX_SIDE:
            raise ValueError("a tensor is larger than any file")
        self._number("<I")
        if self._number("<Q") >= self._size:
            raise ValueError("a tensor lies behind its end")
        return name, shape[::-1]

    def _skip_value(self, kind: int) -> None:
        if kind == _TEXT:
            self._text(MAX_TEXT_BYTES)
        elif kind == _ARRAY:
            self._skip_array()
        else:
            self._skip(self._bytes_of(kind))

    def _skip_array(self) -> None:
        kind, number = self._number("<I"), self._number("<Q")
        self._entries += number
        if self._entries > MAX_ENTRIES:
            raise ValueError(f"its arrays have more than {MAX_ENTRIES:,} entries")
        if kind == _TEXT:
            for _ in range(number):
                self._text(MAX_TEXT_BYTES)
        else:  # arrays of arrays are refused with all other unknown kinds
            self._skip(number * self._bytes_of(kind))

    def _bytes_of(self, kind: int) -> int:
        if kind not in _SIZES:
            raise ValueError(f"a value is of the unknown kind {kind}")
        return _SIZES[kind]

    def _number(self, form: str) -> int:
        return struct.unpack(form, self._file.read(struct.calcsize(form)))[0]

    def _text(self, most: int) -> str:
        length = self._number("<Q")
        if length > min(most, self._size - self._file.tell()):
            raise ValueError(f"a text of {length} bytes is cut off, or too long")
        return self._file.read(length).decode("utf-8", "replace")

    def _skip(self, length: int) -> None:
        if length > self._size - self._file.tell():
            raise ValueError("it is cut off")
        self._file.seek(length, 1)
