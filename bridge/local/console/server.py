"""The page over a deployed app's storage: its views and nothing else, on loopback alone."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bridge.local.console.connection import Connection
from bridge.local.own_origin import OwnOrigin
from bridge.local.page.live_updates import LiveUpdates
from bridge.local.page.routes import page_route
from bridge.local.page.static_files import files
from bridge.local.page.stored import Stored
from bridge.local.page.views import Views, Writing
from bridge.outbox.payloads import PayloadBlobs
from bridge.payloads import CONTAINER

_EVERY = 3.0  # seconds between two looks at the storage, while a page is open


def application(connection: Connection, port: int) -> Starlette:
    """The page of a connection at the port. It can resend and requeue if the connection has a queue."""
    payloads, queue = PayloadBlobs(connection.storage.container(CONTAINER)), connection.queue
    views = Views(
        Stored(connection.bridge, lambda: connection.outbox, lambda: payloads),
        Writing(lambda: queue) if queue else None,
        title=connection.title,
        address=f"https://{connection.host}" if connection.host else "",
        explain=connection.explainer.explain,
    )
    updates = LiveUpdates(lambda: {"mistakes": connection.notes, **views.topics()}, interval=_EVERY)

    async def events(_: Request) -> Response:
        return StreamingResponse(updates.stream(), media_type="text/event-stream")

    pages = {**files(), "/page/events": events}
    routes = [*(page_route(path, endpoint, port) for path, endpoint in pages.items()), *views.routes(port)]
    application = Starlette(routes=routes, middleware=[Middleware(OwnOrigin, port=port)])
    application.state.before_shutdown = updates.close
    return application
