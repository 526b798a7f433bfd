"""What kind of image a file is, by its bytes: no header of an answer is believed."""

import struct
from dataclasses import dataclass

_MOST_PIXELS = 16_000_000  # what a mail program has to keep in memory is four bytes each
_PNG, _GIF, _JPEG = b"\x89PNG\r\n\x1a\n", (b"GIF87a", b"GIF89a"), b"\xff\xd8\xff"
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers of JPEG before a size


@dataclass(frozen=True)
class Image:
    """An image. media_type: `image/png`, `image/jpeg` or `image/gif`. width, height: in its own pixels."""

    content: bytes
    media_type: str
    width: int
    height: int

    @property
    def extension(self) -> str:
        """The end of a file's name."""
        return {"image/jpeg": "jpg"}.get(self.media_type, self.media_type.removeprefix("image/"))


def image(content: bytes) -> Image | None:
    """The image that the bytes are; None for anything but PNG, JPEG and GIF, and for one of too many pixels."""
    try:
        media_type, width, height = _read(content)
    except (struct.error, IndexError):
        return None
    return Image(content, media_type, width, height) if 0 < width * height <= _MOST_PIXELS else None


def _read(content: bytes) -> tuple[str, int, int]:
    if content.startswith(_PNG) and content[12:16] == b"IHDR":
        return ("image/png", *struct.unpack(">II", content[16:24]))
    if content.startswith(_GIF):
        return ("image/gif", *struct.unpack("<HH", content[6:10]))
    if content.startswith(_JPEG):
        return ("image/jpeg", *_size_of_jpeg(content))
    return "", 0, 0


def _size_of_jpeg(content: bytes) -> tuple[int, int]:
    """Width and height, from the first frame: https://www.w3.org/Graphics/JPEG/itu-t81.pdf, B.2.2."""
    place = 2
    while content[place] == 0xFF:
        marker, length = content[place + 1], struct.unpack(">H", content[place + 2 : place + 4])[0]
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", content[place + 5 : place + 9])
            return width, height
        if marker == 0xFF:  # a byte that fills
            place += 1
        else:
            place += 2 + max(length, 2)
    return 0, 0
