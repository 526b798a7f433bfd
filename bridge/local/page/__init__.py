"""The page of `make run`: a mail client that reads the stand-in's groups, beside a desk to send webhooks from."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute

from bridge.app import Bridge
from bridge.local.fake_graph.server import Mailbox
from bridge.local.page import mail, send_panel
from bridge.local.page.live import Live, per_second
from bridge.local.page.origin_check import Endpoint, Refused, acting, reading
from bridge.local.page.outbox import OutboxView
from bridge.local.page.webhooks import WebhookLog

_STATIC = Path(__file__).parent / "static"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_HOME = "page.html"


@dataclass(frozen=True)
class Behind:
    """The bridge behind the page: nothing, where the stand-in runs alone.

    bridge: None while the settings are wrong. wake: lets the host look at its queue at once; called on the loop.
    """

    bridge: Bridge | None
    webhooks: WebhookLog = field(default_factory=WebhookLog)
    wake: Callable[[], None] = lambda: None


class Viewer:
    """The page's server at the port of `routes`."""

    def __init__(self, mailbox: Mailbox, port: int, behind: Behind | None = None) -> None:
        self._mailbox = mailbox
        self._port = port
        self._behind = behind
        self._bridge = bridge = behind.bridge if behind else None
        self._webhooks = behind.webhooks if behind else WebhookLog()
        self._labels = {group.lower(): name for name, group in bridge.routes.names.items()} if bridge else {}
        self._outbox = OutboxView(lambda: bridge.delivery.outbox, self._webhooks, self._labels) if bridge else None
        self._sender = send_panel.Sender(f"http://127.0.0.1:{port}", bridge.settings.secrets if bridge else {})
        self.live = Live(self._look)

    def close(self) -> None:
        """Ends what would go on: streams and bursts. To be called on the loop that serves the page."""
        self.live.close()
        self._sender.close()

    def routes(self) -> list[BaseRoute]:
        """The page at `/`, what it asks for and what it does."""
        read: dict[str, Endpoint] = {
            **_files(),
            "/viewer/mail": self._mail,
            "/viewer/webhook": self._webhook,
            "/viewer/events": self._events,
        }
        acts = {"/viewer/faults": self._switch}
        if self._behind:
            read |= {"/viewer/samples": _samples, "/viewer/sample": _sample}
            acts |= {"/viewer/send": self._sender.send, "/viewer/replay": self._replay}
        return [
            *(reading(path, endpoint, self._port) for path, endpoint in read.items()),
            *(acting(path, action, self._port) for path, action in acts.items()),
        ]

    async def _mail(self, request: Request) -> Response:
        chosen = request.query_params.get("group", ""), request.query_params.get("thread", "")
        shown = await run_in_threadpool(mail.chosen, self._mailbox, self._labels, *chosen, self._webhooks.has)
        return JSONResponse(shown)

    async def _webhook(self, request: Request) -> Response:
        shown = self._webhooks.shown(request.query_params.get("reference", ""))
        return JSONResponse(shown) if shown else PlainTextResponse("This webhook is not known any more.\n", 404)

    async def _events(self, _: Request) -> Response:
        return StreamingResponse(self.live.stream(), media_type="text/event-stream")

    async def _switch(self, asked: dict[str, Any]) -> object:
        return send_panel.switch(self._mailbox.faults, asked)

    async def _replay(self, asked: dict[str, Any]) -> object:
        if not (self._behind and self._bridge):
            raise Refused("The settings are wrong: nothing can be sent.", 409)
        replayed = await run_in_threadpool(send_panel.replay, self._bridge, asked)
        self._behind.wake()
        return replayed

    def _look(self) -> Mapping[str, object]:
        return {
            "mail": {"groups": mail.overview(self._mailbox, self._labels), "permissions": self._mailbox.permissions},
            "faults": send_panel.faults_now(self._mailbox.faults),
            "rates": self._rates(),
            **self._delivery(),
        }

    def _delivery(self) -> Mapping[str, object]:
        """The outbox and the groups that need a person; why not, where the storage cannot be read."""
        if not (self._outbox and self._bridge):
            return {"outbox": None, "held": []}
        try:
            return {"outbox": self._outbox.look(), "held": self._held(self._bridge)}
        except Exception as error:  # noqa: BLE001  whatever it is, the page tells it
            return {"outbox": {"counts": {}, "rows": [], "problem": f"The outbox cannot be read: {error}"}, "held": []}

    def _held(self, bridge: Bridge) -> list[Mapping[str, object]]:
        held = bridge.publisher.health()["held"]
        reasons = held.items() if isinstance(held, dict) else ()
        return [{"group": mail.label(self._labels, group), **why} for group, why in reasons]

    def _rates(self) -> Mapping[str, list[int]]:
        now = time.time()
        requests = list(reversed(self._mailbox.log))
        refused = (logged.at for logged in requests if not 200 <= logged.status < 300)
        series: Mapping[str, Iterable[float]] = {
            "webhooks": self._webhooks.times(),
            "requests": (logged.at for logged in requests),
            "failed": refused,
        }
        return {name: per_second(times, now) for name, times in series.items()}


async def _samples(_: Request) -> Response:
    return JSONResponse(send_panel.samples())


async def _sample(request: Request) -> Response:
    try:
        return PlainTextResponse(
            send_panel.sample(request.query_params.get("source", ""), request.query_params.get("file", ""))
        )
    except Refused as error:
        return PlainTextResponse(f"{error}\n", error.status)


def _files() -> dict[str, Endpoint]:
    return {"/" if path.name == _HOME else f"/viewer/{path.name}": _file(path) for path in sorted(_STATIC.iterdir())}


def _file(path: Path) -> Endpoint:
    content, media_type = path.read_bytes(), _TYPES[path.suffix]

    async def endpoint(_: Request) -> Response:
        return Response(content, media_type=media_type)

    return endpoint
