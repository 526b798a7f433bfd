"""The server of the preview's page."""

from dataclasses import asdict
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bridge.local.page.live_updates import LiveUpdates
from bridge.local.page.origin_check import Endpoint
from bridge.local.page.preview.preview import Preview
from bridge.local.page.routes import page_route

_STATIC = Path(__file__).parent / "static"
_FILES = {
    "/": ("preview.html", "text/html"),
    "/preview.css": ("preview.css", "text/css"),
    "/preview.js": ("preview.js", "text/javascript"),
}


def application(preview: Preview, port: int) -> Starlette:
    """The page at the port, which shows the preview and follows each change."""
    updates = LiveUpdates(lambda: {"post": asdict(preview.current())})

    async def events(_: Request) -> Response:
        return StreamingResponse(updates.stream(), media_type="text/event-stream")

    endpoints = {path: _file(*file) for path, file in _FILES.items()} | {"/preview/events": events}
    application = Starlette(routes=[page_route(path, endpoint, port) for path, endpoint in endpoints.items()])
    application.state.before_shutdown = updates.close
    return application


def _file(name: str, media_type: str) -> Endpoint:
    async def endpoint(_: Request) -> Response:
        return Response((_STATIC / name).read_bytes(), media_type=media_type)

    return endpoint
