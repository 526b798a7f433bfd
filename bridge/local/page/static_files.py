"""The files of the page: markup, styles and scripts, read once."""

import hashlib
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
    """The endpoints of the files by their paths; the page itself is at `/`."""
    return {"/" if path.name == _HOME else f"/page/{path.name}": _file(path) for path in sorted(_STATIC.iterdir())}


def _file(path: Path) -> Endpoint:
    content, media_type = path.read_bytes(), _TYPES[path.suffix]

    async def endpoint(_: Request) -> Response:
        return Response(content, media_type=media_type)

    return endpoint
