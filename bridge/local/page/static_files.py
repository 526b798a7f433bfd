"""The files of the page: markup, styles and scripts, read once."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from bridge.local.page.origin_check import Endpoint

_STATIC = Path(__file__).parent / "static"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_HOME = "page.html"
VERSION = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(_STATIC.iterdir()))).hexdigest()[:12]
"""An open page that has another version of the files reloads itself."""


def files() -> dict[str, Endpoint]:
    """The endpoints of the files by their paths; the page itself is at `/`.

    The version is in the paths of all others: a browser asks for each version once, and never shows an old one.
    """
    return dict(_home(path) if path.name == _HOME else _file(path) for path in sorted(_STATIC.iterdir()))


def _home(path: Path) -> tuple[str, Endpoint]:
    content = path.read_text("utf-8").replace('="/page/', f'="/page/{VERSION}/')
    return "/", _answering(content.encode(), path)


def _file(path: Path) -> tuple[str, Endpoint]:
    headers = {"Cache-Control": "private, max-age=31536000, immutable"}
    return f"/page/{VERSION}/{path.name}", _answering(path.read_bytes(), path, headers)


def _answering(content: bytes, path: Path, headers: Mapping[str, str] | None = None) -> Endpoint:
    async def endpoint(_: Request) -> Response:
        return Response(content, headers=headers, media_type=_TYPES[path.suffix])

    return endpoint
