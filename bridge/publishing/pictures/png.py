"""PNG files of few colours, with zlib alone: https://www.w3.org/TR/png-3/.

A chart without text needs no library: docs/pictures.md has the figures of the one that was left out.
"""

import math
import struct
import zlib

Colour = tuple[int, int, int, int]  # red, green, blue, and how opaque it is, each up to 255

_CLEAR: Colour = (0, 0, 0, 0)
_MOST_COLOURS = 256


class Canvas:
    """A transparent picture. What is painted outside of it is left out."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._columns = [bytearray(height) for _ in range(width)]
        self._colours: list[Colour] = [_CLEAR]
        self._indexes: dict[Colour, int] = {_CLEAR: 0}

    def stroke(self, x: int, top: float, bottom: float, colour: Colour) -> None:
        """Paints a part of one column; a pixel that is covered in part is as much less opaque."""
        top, bottom = max(top, 0.0), min(bottom, float(self.height))
        if not 0 <= x < self.width or top >= bottom:
            return
        first, last = math.ceil(top), math.floor(bottom)
        if first > last:  # within one pixel
            self._shade(x, last, colour, bottom - top)
            return
        self._columns[x][first:last] = bytes([self._index(colour)]) * (last - first)
        if first > top:
            self._shade(x, first - 1, colour, first - top)
        if last < bottom:
            self._shade(x, last, colour, bottom - last)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Paints a rectangle, to whole pixels from the left to the right."""
        for x in range(round(left), round(right)):
            self.stroke(x, top, bottom, colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Paints a circle."""
        for column in range(int(x - radius), int(x + radius) + 2):
            half = radius**2 - (column + 0.5 - x) ** 2
            if half > 0:
                self.stroke(column, y - half**0.5, y + half**0.5, colour)

    def png(self) -> bytes:
        """The picture as a file."""
        rows = b"".join(b"\0" + bytes(row) for row in zip(*self._columns, strict=True))
        return b"".join(
            [
                b"\x89PNG\r\n\x1a\n",
                _chunk(b"IHDR", struct.pack(">IIBBBBB", self.width, self.height, 8, 3, 0, 0, 0)),
                _chunk(b"PLTE", b"".join(bytes(colour[:3]) for colour in self._colours)),
                _chunk(b"tRNS", bytes(colour[3] for colour in self._colours)),
                _chunk(b"IDAT", zlib.compress(rows, 9)),
                _chunk(b"IEND", b""),
            ]
        )

    def _shade(self, x: int, y: int, colour: Colour, covered: float) -> None:
        # In eight steps, so that the palette has room for the shades of every colour.
        opaque = colour[3] * round(8 * covered) // 8
        if opaque > self._colours[self._columns[x][y]][3]:
            self._columns[x][y] = self._index((*colour[:3], opaque))

    def _index(self, colour: Colour) -> int:
        if colour not in self._indexes:
            if len(self._colours) == _MOST_COLOURS:
                return min(range(_MOST_COLOURS), key=lambda known: _distance(self._colours[known], colour))
            self._indexes[colour] = len(self._colours)
            self._colours.append(colour)
        return self._indexes[colour]


def _distance(one: Colour, other: Colour) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
